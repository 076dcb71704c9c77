// The dialog of a fork: a new operation goes on from a checkpoint of this one, with some params changed.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, post, words } from '../../api.ts';
import { reach } from '../../connection.ts';
import { kinds } from '../../feed/kinds.ts';
import { moment, short, steps } from '../../format.ts';
import { Problem } from '../../parts/basics.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { go } from '../../route.ts';
import { changed, fields, owner, typed, type Field } from '../../schema.ts';
import type { View } from '../../wire.ts';
import { Entry } from '../start/entry.tsx';
import { ofFault, ofRefusal, type Wrong } from '../start/wrong.ts';

/** The params that a fork may change, as fields without a default: what is left empty stays as it is. */
function changeable(view: View): Field[] {
  const kind = kinds.value?.find((one) => one.kind === view.kind);
  if (kind === undefined) return [];
  return fields(kind).filter((one) => kind.fork_params.includes(one.name)).map((one) => ({ ...one, fallback: '', required: false }));
}

const LATEST = '"latest"';

export function Fork({ view, close }: { view: View; close: () => void }): JSX.Element {
  const [list] = useState(() => changeable(view));
  const [present] = useState(() => {
    const of = view.params as Record<string, unknown> | null;
    return Object.fromEntries(list.map((one) => [one.name, typed(of?.[one.name], one.kind)]));
  });
  const [values, setValues] = useState<Record<string, string>>(present);
  // As JSON, because a choice is a word or a step.
  const [checkpoint, setCheckpoint] = useState(LATEST);
  const [faults, setFaults] = useState<Wrong[]>([]);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const here = useRef(true);
  useEffect(() => () => { here.current = false; }, []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy || reach.value === 'gone') return;
    setBusy(true);
    setFaults([]);
    setProblem('');
    try {
      const request = { checkpoint: JSON.parse(checkpoint) as unknown, params: changed(list, present, values) };
      const key = crypto.randomUUID?.() ?? String(Math.random());
      const { operation_id: id } = await post<{ operation_id: string }>(`/operations/${view.operation_id}/fork`, request, { 'Idempotency-Key': key });
      // If the user closed the dialog meanwhile, the page stays.
      if (here.current) go(['operations', id]);
      close();
    } catch (error) {
      const own = error instanceof ApiError ? ofRefusal(error, list) : null;
      const found = own !== null ? [own] : error instanceof ApiError ? error.faults.map(ofFault) : [];
      setFaults(found);
      if (found.length === 0) setProblem(words(error));
    }
    setBusy(false);
  };
  const known = new Set(list.map((one) => one.name));
  const others = faults.filter((fault) => !known.has(owner(fault.path)));
  return (
    <Dialog title={`Fork ${view.kind} ${short(view.operation_id)}`} onClose={close}>
      <form noValidate onSubmit={(event) => void submit(event)}>
        <p>A new operation goes on from a checkpoint of this one, which stays as it is.{list.length === 0 ? ' A fork of this kind may change no param.' : ''}</p>
        {problem === '' ? null : <Problem text={problem} />}
        {others.map((fault) => <Problem key={fault.path} text={`${fault.path}: ${fault.text}`} />)}
        <label class="field">
          <span>Checkpoint</span>
          <select name="checkpoint" value={checkpoint} onChange={(event) => setCheckpoint(event.currentTarget.value)}>
            <option value={LATEST}>the newest</option>
            {view.checkpoints.map((one) => <option key={one.at} value={JSON.stringify(one.step)}>{steps(one.step)}, {moment(one.at)}</option>)}
          </select>
        </label>
        <div class="fields">
          {list.map((one) => <Entry key={one.name} field={one} value={values[one.name] ?? ''} change={(text) => setValues((held) => ({ ...held, [one.name]: text }))} faults={faults.filter((fault) => owner(fault.path) === one.name)} />)}
        </div>
        <div class="actions">
          <button type="button" onClick={close}>Leave as is</button>
          <button type="submit" class="primary" disabled={busy || reach.value === 'gone'}>{busy ? 'Asking…' : 'Fork'}</button>
        </div>
      </form>
    </Dialog>
  );
}
