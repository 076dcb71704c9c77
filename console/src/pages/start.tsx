// The form of a start, from the schema of the kind.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, post, token, words } from '../api.ts';
import { home } from '../base.ts';
import { body, cli, curl, type Start as Made } from '../commands.ts';
import { kinds as known, kindsProblem } from '../feed/kinds.ts';
import { Copy, Empty, Problem } from '../parts/basics.tsx';
import { go, refine, route } from '../route.ts';
import { fields, owner, params, type Field } from '../schema.ts';
import type { Kind } from '../wire.ts';
import { Entry } from './start/entry.tsx';
import { given } from './start/given.ts';
import { OPTIONS, misread, options } from './start/options.ts';
import { ofFault, ofRefusal, type Wrong } from './start/wrong.ts';

type Values = Record<string, string>;

export function Start(): JSX.Element {
  const [kinds, problem] = [known.value, kindsProblem.value];
  if (problem !== '' && kinds === null) return <Problem text={problem} />;
  if (kinds === null) return <p class="muted loading">Asking the server…</p>;
  const wanted = route.value.query.get('kind');
  const found = kinds.find((one) => one.kind === wanted);
  const kind = found ?? kinds.find((one) => one.kind === 'dummy') ?? kinds[0];
  if (kind === undefined) return <Empty title="This server has no kinds"><p>Register one: docs/WRITING_A_KIND.md.</p></Empty>;
  return (
    <div class="start">
      <h1>Start</h1>
      <div class="kinds" role="group" aria-label="Kind">
        {kinds.map((one) => (
          <button key={one.kind} type="button" aria-pressed={one === kind} onClick={() => refine(new URLSearchParams({ kind: one.kind }))}>
            <b><bdi>{one.kind}</bdi></b><span><bdi>{one.description}</bdi></span>
          </button>
        ))}
      </div>
      {wanted === null || found !== undefined ? null : <Problem text={`The link asks for a kind that this server does not have: ${wanted}`} />}
      <Form key={`${kind.kind} ${route.value.query.toString()}`} kind={kind} />
    </div>
  );
}

function Form({ kind }: { kind: Kind }): JSX.Element {
  const list = fields(kind);
  const [link] = useState(() => given(route.value.query, list, kind.kind));
  const [values, setValues] = useState<Values>(link.values);
  const [extra, setExtra] = useState<Values>({});
  const [faults, setFaults] = useState<Wrong[]>([]);
  // Params and options are checked separately, and may have the same names.
  const [judged, setJudged] = useState<Field[]>(list);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const here = useRef(true);
  useEffect(() => () => { here.current = false; }, []);
  const made: Made = { kind: kind.kind, params: params(list, values), options: options(extra) };
  const refuse = (wrong: Wrong[], of: Field[]): void => {
    setJudged(of);
    setFaults(wrong);
    // Moves the focus to the first wrong field when it is marked.
    setTimeout(() => document.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
  };
  /** Whether something was typed that a start or a command cannot express. */
  const refused = (): boolean => {
    const wrong = misread(extra);
    if (wrong.length > 0) refuse(wrong.map(ofFault), OPTIONS);
    return wrong.length > 0;
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    setProblem('');
    if (refused()) return;
    setBusy(true);
    setFaults([]);
    try {
      const { operation_id: id } = await post<{ operation_id: string }>('/operations', body(made), { 'Idempotency-Key': crypto.randomUUID?.() ?? String(Math.random()) });
      // If the user went to another page meanwhile, that page stays.
      if (here.current) go(['operations', id]);
    } catch (error) {
      const found = error instanceof ApiError ? error.faults.map(ofFault) : [];
      const own = error instanceof ApiError ? ofRefusal(error, list) : null;
      if (own !== null) refuse([own], list);
      else if (found.length === 0) setProblem(words(error));
      else refuse(found, error instanceof ApiError && error.code === 'INVALID_PARAMS' ? list : OPTIONS);
    }
    setBusy(false);
  };
  const judgesOptions = judged === OPTIONS;
  const of = (name: string): Wrong[] => faults.filter((fault) => owner(fault.path) === name);
  const known = new Set(judged.map((one) => one.name));
  const others = faults.filter((fault) => !known.has(owner(fault.path)));
  const put = (name: string, text: string) => (held: Values): Values => ({ ...held, [name]: text });
  return (
    <form class="panel" noValidate onSubmit={(event) => void submit(event)}>
      <p class="muted">Runs in lane {kind.lane}. {kind.verbs.includes('pause') ? 'Can be paused.' : 'Cannot be paused.'} {kind.verbs.includes('finish') ? 'Can be finished early.' : ''} What is left empty is the default.</p>
      {link.unread === '' ? null : <Problem text={`Left out of what the link has: ${link.unread}`} />}
      {problem === '' ? null : <Problem text={problem} />}
      {others.map((fault) => <Problem key={fault.path} text={`${fault.path}: ${fault.text}`} />)}
      <div class="fields">
        {list.map((one) => <Entry key={one.name} field={one} value={values[one.name] ?? ''} change={(text) => setValues(put(one.name, text))} faults={judgesOptions ? [] : of(one.name)} />)}
      </div>
      <details open={judgesOptions && faults.length > 0}>
        <summary>Options: priority, labels, time limit, attempts</summary>
        <div class="fields">
          {OPTIONS.map((one) => <Entry key={one.name} field={one} value={extra[one.name] ?? ''} change={(text) => setExtra(put(one.name, text))} faults={judgesOptions ? of(one.name) : []} isOption />)}
        </div>
      </details>
      <div class="actions">
        <button type="submit" class="primary" disabled={busy}>{busy ? 'Starting…' : `Start ${kind.kind}`}</button>
        <span class="space" />
        <Copy text={curl(home, made, token() !== null)} label="copy as curl" refused={refused} />
        <Copy text={cli(home, made)} label="copy as CLI" refused={refused} />
      </div>
    </form>
  );
}
