// The form of a load: what the bars are of, and how the file is written where that cannot be found.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError, post, words } from '../../api.ts';
import { reach } from '../../connection.ts';
import { count, period } from '../../format.ts';
import { Panel, Problem } from '../../parts/basics.tsx';
import type { Answering } from '../../parts/refused.tsx';
import { useRead } from '../../read.ts';
import { fields, owner, params, type Field } from '../../schema.ts';
import { upload } from '../../upload.ts';
import type { Dataset, Kind, OperationError } from '../../wire.ts';
import { Entry } from '../start/entry.tsx';
import { given, object } from '../start/given.ts';
import { ofFault, ofRefusal, type Wrong } from '../start/wrong.ts';
import { Columns } from './columns.tsx';
import { suggested } from './suggested.ts';
import { Trial } from './trial.tsx';

type Params = Record<string, unknown>;

/** What the server knows of the files of some sources, and the names of columns. */
interface Known {
  dialects: { name: string; description: string }[];
  columns: Record<string, string[]>;
}

const MAIN = ['symbol', 'timeframe', 'mode'];
/** The order of those about how the file is written; others follow. Columns have fields of their own. */
const HOW = ['dialect', 'time_format', 'time_zone', 'separator', 'decimal', 'bad_rows', 'duplicates'];
/** Params that this form has no field for: the file is known, and doubts are accepted where they are shown. */
const UNSHOWN = ['file', 'dry_run', 'accept_doubts'];

function start(made: Params): Promise<{ operation_id: string }> {
  return post('/operations', { kind: 'data_load', params: made }, { 'Idempotency-Key': crypto.randomUUID?.() ?? String(Math.random()) });
}

export function LoadForm({ file, kind, query }: { file: string; kind: Kind; query: URLSearchParams }): JSX.Element {
  const list = fields(kind);
  const { got: known } = useRead<Known>('/data/dialects');
  const [link] = useState(() => given(query, list, kind.kind));
  const [values, setValues] = useState<Record<string, string>>(() => {
    const { file: _, dry_run: __, ...more } = link.values;
    return { ...suggested(file), ...more };
  });
  const [faults, setFaults] = useState<Wrong[]>([]);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const [trial, setTrial] = useState<{ id: string; params: Params; refused: boolean } | null>(null);
  // What another load has said of its file is seen at once.
  const [open, setOpen] = useState(list.some(({ name, fallback }) => !MAIN.includes(name) && !UNSHOWN.includes(name) && (link.values[name] ?? fallback) !== fallback));
  const own = upload.value?.name === file ? upload.value : null;
  const sends = own?.phase === 'sending';
  // What was seen in a dry run is not what is loaded from another file of the same name.
  useEffect(() => setTrial(null), [own?.number]);
  const made: Params = { ...params(list, values), file };
  const put = (name: string) => (text: string): void => setValues((held) => ({ ...held, [name]: text }));
  /** Shows the field of a param, and moves the focus there. */
  const goTo = (name: string): void => {
    if (!MAIN.includes(name)) setOpen(true);
    setTimeout(() => document.getElementById(`field-${name}`)?.focus());
  };
  const refuse = (wrong: Wrong[]): void => {
    setFaults(wrong);
    if (wrong[0] !== undefined) goTo(owner(wrong[0].path));
  };
  const judge = (error: { code: string; message: string; details: unknown; faults?: ApiError['faults'] }): boolean => {
    const own = ofRefusal(error, list);
    const wrong = own !== null ? [own] : (error.faults ?? []).map(ofFault);
    refuse(wrong);
    return wrong.length > 0;
  };
  const look = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy || sends || reach.value === 'gone') return;
    setBusy(true);
    setProblem('');
    setFaults([]);
    try {
      const { operation_id: id } = await start({ ...made, dry_run: true });
      setTrial({ id, params: made, refused: false });
    } catch (error) {
      if (!(error instanceof ApiError) || !judge(error)) setProblem(words(error));
    }
    setBusy(false);
  };
  const refused = (error: OperationError): void => {
    setTrial((held) => held && { ...held, refused: true });
    // What is doubted is answered below, by one of several fields.
    if (error.code !== 'DATA_DOUBTFUL' && error.code !== 'BAD_ROW') judge(error);
  };
  const accepted = names(values['accept_doubts']);
  const answering: Answering = {
    names: list.map((one) => one.name).filter((name) => !UNSHOWN.includes(name)),
    go: goTo,
    accepted,
    accept: (code, is) => put('accept_doubts')(JSON.stringify(is ? [...accepted, code] : accepted.filter((one) => one !== code))),
  };
  const of = (name: string): Wrong[] => faults.filter((fault) => owner(fault.path) === name);
  const others = faults.filter((fault) => UNSHOWN.includes(owner(fault.path)) || !list.some((one) => one.name === owner(fault.path)));
  const entry = (one: Field): JSX.Element => <Entry key={one.name} field={one} value={values[one.name] ?? ''} change={put(one.name)} faults={of(one.name)} />;
  const label = busy ? 'Asking…' : sends ? 'Waits for the upload' : trial?.refused === true ? 'Try again' : 'Dry run';
  return (
    <>
      <form id="load" noValidate onSubmit={(event) => void look(event)}>
        <Panel title={`Load ${file}`} name="load">
          {link.unread === '' ? null : <Problem text={`Left out of what the link has: ${link.unread}`} />}
          {problem === '' ? null : <Problem text={problem} />}
          {others.map((fault) => <Problem key={fault.path} text={`${fault.path}: ${fault.text}`} />)}
          <div class="fields">{MAIN.flatMap((name) => list.filter((one) => one.name === name)).map(entry)}</div>
          <Present symbol={values['symbol'] ?? ''} timeframe={values['timeframe'] ?? ''} />
          <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
            <summary>How the file is written, where that cannot be found</summary>
            <div class="fields">
              {how(list).map((one) => entry(found(one, known, values['dialect'])))}
            </div>
            {list.some((one) => one.name === 'columns') ? <Columns value={values['columns'] ?? ''} change={put('columns')} faults={of('columns')} known={known?.columns ?? {}} /> : null}
          </details>
          {accepted.length === 0 ? null : <p class="accepted">Accepted: {accepted.map((code) => <label key={code} class="check"><input type="checkbox" checked onChange={() => answering.accept(code, false)} /> <code>{code}</code></label>)}</p>}
          <div class="actions">
            <button type="submit" class="primary" disabled={busy || sends || reach.value === 'gone'}>{label}</button>
            <span class="muted">A dry run reads the whole file, and changes nothing.</span>
          </div>
        </Panel>
      </form>
      {trial === null ? null : <Trial key={trial.id} id={trial.id} params={trial.params} changed={JSON.stringify(trial.params) !== JSON.stringify(made)} answering={answering} refused={refused} start={start} />}
    </>
  );
}

/** What becomes of the bars that are kept already is said by the mode. */
function Present({ symbol, timeframe }: { symbol: string; timeframe: string }): JSX.Element {
  const { got } = useRead<{ datasets: Dataset[] }>('/data', 'data_load');
  const one = got?.datasets.find((of) => of.symbol === symbol.trim() && of.timeframe === timeframe.trim());
  return <p class="present muted">{one === undefined ? '' : <>There are {count(one.rows)} bars of <bdi>{one.symbol}</bdi> {one.timeframe} already, {period(one.start, one.end)}. The mode says what becomes of them.</>}</p>;
}

function how(list: readonly Field[]): Field[] {
  const place = ({ name }: Field): number => (HOW.includes(name) ? HOW.indexOf(name) : HOW.length);
  return list.filter(({ name }) => !MAIN.includes(name) && !UNSHOWN.includes(name) && name !== 'columns').sort((a, b) => place(a) - place(b));
}

/** A field about how the file is written: what is not said is found. Dialects are those that the server has. */
function found(field: Field, known: Known | null, dialect: string | undefined): Field {
  const fallback = field.fallback === '' ? 'found' : field.fallback;
  if (field.name !== 'dialect' || known === null) return { ...field, fallback };
  const chosen = known.dialects.find((one) => one.name === dialect);
  const choices = known.dialects.map((one) => one.name).filter((name) => name !== 'auto');
  return { ...field, kind: 'choice', choices, fallback: 'auto', help: chosen?.description ?? field.help, range: '' };
}

/** A list of names that a value has in JSON. */
function names(value: string | undefined): string[] {
  const list = object(`{"list": ${value === undefined || value === '' ? '[]' : value}}`)?.['list'];
  return Array.isArray(list) ? list.filter((one) => typeof one === 'string') : [];
}
