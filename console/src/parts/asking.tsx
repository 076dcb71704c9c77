// Asking a verb of one or many: what it will hit is shown first, and why is asked.
import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { post, words } from '../api.ts';
import { count, short } from '../format.ts';
import { go } from '../route.ts';
import { VERBS } from '../status.ts';
import type { Row, Verb, View } from '../wire.ts';
import { Badge, tell } from './basics.tsx';
import { Dialog } from './dialog.tsx';

/** What is about to be asked, of what. */
const asking = signal<{ verb: Verb; rows: Row[] } | null>(null);

/** The last answer to a verb; pages that show the operation learn from it. */
export const answered = signal<View | null>(null);

const AT_ONCE = 6;
const LISTED = 12;

/** Opens the dialog for those of the rows that the verb applies to. */
export function ask(verb: Verb, rows: Row[]): void {
  const fit = rows.filter((row) => row.verbs.includes(verb));
  if (fit.length === 0) tell(`${VERBS[verb].label} applies to none of them as they are now.`, true);
  else asking.value = { verb, rows: fit };
}

/** Whether the dialog is open: keys mean something else then. */
export function isAsking(): boolean {
  return asking.value !== null;
}

type Outcome = { id: string; problem?: string; started?: string };

async function one(verb: Verb, id: string, reason: string): Promise<Outcome> {
  const about = reason === '' ? {} : { reason };
  try {
    const answer = await post<View & { durable?: boolean }>(`/operations/${id}/${verb}`, about);
    if (verb === 'retry') return { id, started: answer.operation_id };
    answered.value = answer;
    return answer.durable === false ? { id, problem: 'it took effect, but could not be recorded' } : { id };
  } catch (error) {
    return { id, problem: words(error) };
  }
}

async function all(verb: Verb, rows: Row[], reason: string): Promise<void> {
  const left = rows.map((row) => row.operation_id);
  const outcomes: Outcome[] = [];
  const work = async (): Promise<void> => {
    for (let id = left.shift(); id !== undefined; id = left.shift()) outcomes.push(await one(verb, id, reason));
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, rows.length) }, work));
  const bad = outcomes.filter((outcome) => outcome.problem !== undefined);
  const good = outcomes.length - bad.length;
  const which = rows.length === 1 ? short(rows[0]!.operation_id) : `${count(good)} of ${count(rows.length)}`;
  if (good > 0) tell(`${which} ${VERBS[verb].done}`);
  for (const { id, problem } of bad.slice(0, 3)) tell(`${short(id)}: ${problem}`, true);
  if (bad.length > 3) tell(`${count(bad.length - 3)} more were refused`, true);
  const started = outcomes.length === 1 ? outcomes[0]?.started : undefined;
  if (started !== undefined) go(['operations', started]);
}

export function Asking(): JSX.Element | null {
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  if (asking.value === null) return null;
  const { verb, rows } = asking.value;
  const { label, says } = VERBS[verb];
  const close = (): void => {
    asking.value = null;
    setReason('');
  };
  const confirm = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    await all(verb, rows, reason.trim());
    setBusy(false);
    close();
  };
  const title = rows.length === 1 ? `${label} ${rows[0]!.kind} ${short(rows[0]!.operation_id)}?` : `${label} ${count(rows.length)} operations?`;
  return (
    <Dialog title={title} onClose={close}>
      <form onSubmit={(event) => void confirm(event)}>
        <p>{rows.length === 1 ? 'It' : 'Each of them'} {says}.</p>
        <Hit rows={rows} />
        <label class="field">
          <span>Reason <span class="muted">(kept with the operation)</span></span>
          <input autofocus name="reason" maxLength={500} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
        </label>
        <div class="actions">
          <button type="button" onClick={close}>Leave as is</button>
          <button type="submit" class={VERBS[verb].ends ? 'danger' : 'primary'} disabled={busy}>
            {busy ? 'Asking…' : rows.length === 1 ? label : `${label} ${count(rows.length)}`}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Hit({ rows }: { rows: Row[] }): JSX.Element {
  return (
    <ul class="hit">
      {rows.slice(0, LISTED).map((row) => (
        <li key={row.operation_id}>
          <Badge row={row} /> <span>{row.kind}</span> <span class="id">{short(row.operation_id)}</span>
          <span class="muted text">{row.progress?.message ?? row.waiting_for ?? ''}</span>
        </li>
      ))}
      {rows.length > LISTED ? <li class="muted">and {count(rows.length - LISTED)} more</li> : null}
    </ul>
  );
}
