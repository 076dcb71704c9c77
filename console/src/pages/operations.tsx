// The list of operations. The address has the filter.
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { isTyping } from '../app.tsx';
import { reach } from '../connection.ts';
import { hasKind, kinds } from '../feed/kinds.ts';
import { counts, system, watchSystem } from '../feed/system.ts';
import { watchList, type Filter, type List } from '../feed.ts';
import { count, millis } from '../format.ts';
import { absent, answered, ask } from '../parts/asking.tsx';
import { Empty, Problem } from '../parts/basics.tsx';
import { refine, route } from '../route.ts';
import { CHOICES, VERBS, sign } from '../status.ts';
import type { Row, Verb } from '../wire.ts';
import { Table } from './operations/table.tsx';

function filterOf(query: URLSearchParams): Filter {
  const words = (name: string): string[] => (query.get(name) ?? '').split(',').filter((word) => word !== '');
  return { status: words('status'), kind: words('kind'), q: query.get('q') ?? '', active: query.get('active') === '1' };
}

function queryOf(filter: Filter): URLSearchParams {
  const query = new URLSearchParams();
  if (filter.status.length > 0) query.set('status', filter.status.join(','));
  if (filter.kind.length > 0) query.set('kind', filter.kind.join(','));
  if (filter.q !== '') query.set('q', filter.q);
  if (filter.active) query.set('active', '1');
  return query;
}

export function Operations(): JSX.Element {
  const text = queryOf(filterOf(route.value.query)).toString();
  const filter = useMemo(() => filterOf(new URLSearchParams(text)), [text]);
  const settled = useSettled(filter);
  const [list, setList] = useState<List | null>(null);
  useEffect(() => {
    const made = watchList(settled);
    setList(made);
    return () => made.close();
  }, [settled]);
  useEffect(() => {
    const view = answered.value;
    if (view !== null) list?.learn(view);
  }, [answered.value]);
  useEffect(() => {
    if (absent.value !== null) list?.refresh();
  }, [absent.value]);
  useEffect(() => watchSystem(true, 2_000), []);
  return (
    <div class="operations">
      <h1 class="hidden">Operations</h1>
      <Filters filter={filter} />
      <Summary />
      {list === null ? null : <Listing key={text} list={list} filter={settled} />}
    </div>
  );
}

const TYPING_MS = 200;

/** The filter after a pause in typing. The address has each letter at once; only the request is sent
 * later. */
function useSettled(filter: Filter): Filter {
  const [settled, setSettled] = useState(filter);
  useEffect(() => {
    if (settled === filter) return undefined;
    const timer = setTimeout(() => setSettled(filter), settled.q === filter.q ? 0 : TYPING_MS);
    return () => clearTimeout(timer);
  }, [filter]);
  return settled;
}

function Listing({ list, filter }: { list: List; filter: Filter }): JSX.Element {
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const listed = list.state.value;
  // A verb applies only to rows that are shown.
  const rows = (): Row[] => list.state.value.shown.flatMap((id) => (picked.has(id) ? (list.state.value.rows.get(id) ?? []) : []));
  if (listed.phase === 'failed') return <Problem text={listed.problem} />;
  if (listed.phase === 'loading') return <p class="muted loading">Asking the server…</p>;
  if (listed.shown.length === 0) return <Nothing filter={filter} />;
  return (
    <>
      {rows().length > 0 ? <Bulk rows={rows} keep={(ids) => setPicked(new Set(ids))} /> : null}
      <Table list={list} picked={picked} pick={setPicked} chosen={rows} />
    </>
  );
}

function Bulk({ rows, keep }: { rows: () => Row[]; keep: (ids: string[]) => void }): JSX.Element {
  const some = (verb: Verb): Row[] => rows().filter((row) => row.verbs.includes(verb));
  return (
    <div class="bulk" role="toolbar" aria-label="For the selected">
      <strong>{count(rows().length)} selected</strong>
      {(Object.keys(VERBS) as Verb[]).map((verb) => (
        <button key={verb} type="button" class={verb === 'cancel' ? 'danger' : ''} disabled={some(verb).length === 0 || reach.value === 'gone'} onClick={() => ask(verb, rows, keep)}>
          {VERBS[verb].label} {some(verb).length > 0 ? count(some(verb).length) : ''}…
        </button>
      ))}
      <button type="button" class="quiet" onClick={() => keep([])}>Select none</button>
    </div>
  );
}

function Filters({ filter }: { filter: Filter }): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  // The address is read now, because the filter that was drawn may be older.
  const change = (part: Partial<Filter>): void => refine(queryOf({ ...filterOf(route.value.query), ...part }));
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.key !== '/' || isTyping(event)) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
  const one = (list: string[]): string => (list.length > 1 ? 'several' : (list[0] ?? ''));
  const chosen = (value: string): string[] => (value === '' ? [] : [value]);
  return (
    <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
      <input ref={input} type="search" aria-label="Filter: an id's end, a kind, or the start of a label's value" placeholder="/  id's end, kind, or label" value={filter.q}
        onInput={(event) => change({ q: event.currentTarget.value })}
        onKeyDown={(event) => { if (event.key === 'Escape') event.currentTarget.blur(); }} />
      <select aria-label="Status" value={one(filter.status)} onChange={(event) => change({ status: chosen(event.currentTarget.value) })}>
        <option value="">any status</option>
        {[...new Set([...CHOICES, ...filter.status])].map((status) => <option key={status} value={status}>{status} {sign(status)}</option>)}
        {filter.status.length > 1 ? <option value="several">{filter.status.join(', ')}</option> : null}
      </select>
      <select aria-label="Kind" value={one(filter.kind)} onChange={(event) => change({ kind: chosen(event.currentTarget.value) })}>
        <option value="">any kind</option>
        {[...new Set([...(kinds.value ?? []).map((one) => one.kind), ...filter.kind])].map((kind) => <option key={kind} value={kind}>{kind}</option>)}
        {filter.kind.length > 1 ? <option value="several">{filter.kind.join(', ')}</option> : null}
      </select>
      <label class="check"><input type="checkbox" checked={filter.active} onChange={(event) => change({ active: event.currentTarget.checked })} /> active only</label>
    </form>
  );
}

function Summary(): JSX.Element {
  const now = counts.value;
  const hour = system.value?.ended_last_hour ?? {};
  const cancel = system.value?.cancel_p99_ms ?? null;
  return (
    <p class="summary">
      {now === null ? <span class="muted">how many run is not known now</span> : (
        <>
          <span><span aria-hidden="true">▸</span> running <b>{count(now.running)}</b></span>
          <span><span aria-hidden="true">·</span> pending <b>{count(now.pending)}</b></span>
          {now.stopping > 0 ? <span><span aria-hidden="true">◌</span> stopping <b>{count(now.stopping)}</b></span> : null}
          {now.paused > 0 ? <span><span aria-hidden="true">‖</span> paused <b>{count(now.paused)}</b></span> : null}
        </>
      )}
      <span class="muted">last hour: {count(hour.completed ?? 0)} completed, {count(hour.failed ?? 0)} failed, {count(hour.cancelled ?? 0)} cancelled</span>
      {cancel === null ? null : <span class="muted">cancel p99 {millis(cancel)}</span>}
    </p>
  );
}

/** How the project's own kinds are started in a terminal. */
const EXAMPLES = [
  ['data_load', 'impresario data load GOOG --timeframe 1d'],
  ['training', 'impresario train GOOG --timeframe 1d'],
  ['dummy', 'impresario start dummy --param iterations=100'],
] as const;

function Nothing({ filter }: { filter: Filter }): JSX.Element {
  const filtered = filter.active || filter.q !== '' || filter.status.length > 0 || filter.kind.length > 0;
  if (filtered) {
    return (
      <Empty title="No operation fits this filter">
        <p>Text finds an id's last 4 or more characters, a whole kind, or the start of a label's value.</p>
        <p><button type="button" onClick={() => refine(new URLSearchParams())}>Show all</button></p>
      </Empty>
    );
  }
  return (
    <Empty title="No operations yet">
      <p>An operation is slow work that this server runs, shows and can stop. To make one:</p>
      {EXAMPLES.filter(([kind]) => hasKind(kind)).map(([kind, command]) => <pre key={kind}>{command}</pre>)}
      <p>or <a href="#/start">fill in a form</a>. It appears here by itself.</p>
    </Empty>
  );
}
