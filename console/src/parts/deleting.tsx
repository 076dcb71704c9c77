// Deletes a dataset or a model, after a dialog that shows what refers to it.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { remove, words } from '../api.ts';
import { reach } from '../connection.ts';
import { count, moment, short } from '../format.ts';
import { changes } from '../read.ts';
import { href } from '../route.ts';
import type { DeleteAnswer, Reference } from '../wire.ts';
import { Problem, tell } from './basics.tsx';
import { Dialog } from './dialog.tsx';

interface Props {
  /** The path of the API. */
  path: string;
  /** What a person calls it. */
  name: string;
  /** Called when it is gone. */
  done: () => void;
}

export function Delete(props: Props): JSX.Element {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" disabled={reach.value === 'gone'} onClick={() => setOpen(true)}>Delete…</button>
      {open ? <Ask {...props} close={() => setOpen(false)} /> : null}
    </>
  );
}

function Ask({ path, name, done, close }: Props & { close: () => void }): JSX.Element {
  const [shown, setShown] = useState<DeleteAnswer | null>(null);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const look = (): Promise<void> => remove<DeleteAnswer>(path, 'dry_run').then(setShown, (error: unknown) => setProblem(words(error)));
  useEffect(() => { void look(); }, []);
  const total = shown?.references_total ?? 0;
  const confirm = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy || shown === null || reach.value === 'gone') return;
    setBusy(true);
    setProblem('');
    try {
      await remove<DeleteAnswer>(path, total > 0 ? 'force' : '');
      tell(`${name} is deleted.`);
      close();
      done();
      changes.value++;
    } catch (error) {
      // Something may refer to it since it was looked at.
      setProblem(words(error));
      await look();
      setBusy(false);
    }
  };
  return (
    <Dialog title={`Delete ${name}?`} onClose={close}>
      <form onSubmit={(event) => void confirm(event)}>
        {problem === '' ? null : <Problem text={problem} />}
        {shown === null ? (problem === '' ? <p class="muted">Looking for what refers to it…</p> : null)
          : total === 0 ? <p>Nothing refers to it. It is deleted for good.</p>
            : <><p>These refer to it, and it is deleted for good all the same:</p><Referring shown={shown} /></>}
        <div class="actions">
          <button type="button" autofocus onClick={close}>Leave as is</button>
          <button type="submit" class="danger" disabled={busy || shown === null || reach.value === 'gone'}>{busy ? 'Deleting…' : 'Delete'}</button>
        </div>
      </form>
    </Dialog>
  );
}

function Referring({ shown }: { shown: DeleteAnswer }): JSX.Element {
  const more = shown.references_total - shown.references.length;
  return (
    <ul class="hit">
      {shown.references.map((one) => <li key={one.model_id ?? one.operation_id}><Named of={one} /> <span class="muted">{RELATIONS[one.relation]}{one.status == null ? '' : `, ${one.status}`}, {moment(one.at)}</span></li>)}
      {more > 0 ? <li class="muted">and {count(more)} more</li> : null}
    </ul>
  );
}

const RELATIONS: Record<Reference['relation'], string> = {
  trained_on: 'was trained on it',
  loads: 'loads it',
  trains_on: 'trains on it',
  verifies: 'verifies it',
  forked_from: 'was forked from it',
};

function Named({ of }: { of: Reference }): JSX.Element {
  const [what, id, path] = of.model_id != null ? ['model', of.model_id, 'models'] : ['operation', of.operation_id ?? '', 'operations'];
  return <>{what} <a class="id" href={href([path, id])} title={id}>{short(id)}</a></>;
}
