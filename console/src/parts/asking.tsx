// The dialog before a verb: it shows which operations the verb applies to, and asks for a reason.
import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError, post, words } from '../api.ts';
import { now } from '../clock.ts';
import { reach } from '../connection.ts';
import { count, short, zoned } from '../format.ts';
import { refused, told, type Outcome } from '../outcome.ts';
import { go } from '../route.ts';
import { VERBS, byStatus } from '../status.ts';
import type { Row, Verb, View } from '../wire.ts';
import { Badge, tell } from './basics.tsx';
import { Dialog } from './dialog.tsx';

interface Question {
  verb: Verb;
  /** The chosen rows as they are now, because they may change while the dialog is open. */
  rows: () => Row[];
  /** Called when the verb has been sent, with the ids of those that were refused. */
  done: (refused: string[]) => void;
}

/** The verb and the operations of the open dialog. */
const asking = signal<Question | null>(null);

/** The last answer to a verb, for pages that show the operation. */
export const answered = signal<View | null>(null);

/** The last operation that a verb did not find, for pages that show it. */
export const absent = signal<{ id: string } | null>(null);

const AT_ONCE = 6;
const LISTED = 12;
/** The longest reason in characters, as the server counts them. */
const LONGEST_REASON = 1_000;

function fitting({ verb, rows }: Question): Row[] {
  return rows().filter((row) => row.verbs.includes(verb));
}

/** Opens the dialog for the rows to which the verb applies. */
export function ask(verb: Verb, rows: () => Row[], done: Question['done'] = () => undefined): void {
  const question = { verb, rows, done };
  if (reach.value === 'gone') tell('The server cannot be reached.', true);
  else if (fitting(question).length === 0) tell(`${VERBS[verb].label} applies to none of them as they are now.`, true);
  else asking.value = question;
}

async function one(verb: Verb, id: string, reason: string): Promise<Outcome> {
  const about = reason === '' ? {} : { reason };
  try {
    const answer = await post<View & { durable?: boolean }>(`/operations/${id}/${verb}`, about);
    if (verb === 'retry') return { id, is: 'done', started: answer.operation_id, recorded: true };
    answered.value = answer;
    return { id, is: 'done', recorded: answer.durable !== false };
  } catch (error) {
    if (error instanceof ApiError && error.code === 'OPERATION_NOT_FOUND') absent.value = { id };
    const problem = words(error);
    // Without an answer of the server, such as behind a proxy that lost it, nobody knows whether it took effect.
    const isAnswer = error instanceof ApiError && error.code !== 'NOT_JSON';
    return isAnswer ? { id, is: 'refused', code: error.code, problem } : { id, is: 'unanswered', problem };
  }
}

/** Sends the verb to all rows, and says in one message what became of them. */
async function all(verb: Verb, rows: Row[], reason: string): Promise<Outcome[]> {
  const left = rows.map((row) => row.operation_id);
  const outcomes: Outcome[] = [];
  const work = async (): Promise<void> => {
    for (let id = left.shift(); id !== undefined; id = left.shift()) outcomes.push(await one(verb, id, reason));
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, rows.length) }, work));
  const { text, bad } = told(outcomes, VERBS[verb].done);
  tell(text, bad);
  return outcomes;
}

export function Asking(): JSX.Element | null {
  const question = asking.value;
  return question === null ? null : <Ask question={question} />;
}

function Ask({ question }: { question: Question }): JSX.Element {
  const [reason, setReason] = useState('');
  // The rows to which the verb is being sent, as they were shown.
  const [sent, setSent] = useState<Row[] | null>(null);
  const busy = sent !== null;
  const length = [...reason.trim()].length;
  const isLong = length > LONGEST_REASON;
  const { verb, done } = question;
  const { label, says, ends } = VERBS[verb];
  const rows = sent ?? fitting(question);
  const left = busy ? [] : question.rows().filter((row) => !rows.includes(row));
  const close = (): void => {
    if (asking.value === question) asking.value = null;
  };
  // All rows to which the verb applied may have ended while the dialog was open.
  useEffect(() => {
    if (rows.length > 0 || busy) return;
    tell(`${label} applies to none of them any more.`, true);
    close();
  }, [rows.length === 0]);
  const confirm = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy || isLong || rows.length === 0 || reach.value === 'gone') return;
    setSent(rows);
    const outcomes = await all(verb, rows, reason.trim());
    done(refused(outcomes));
    const [only] = outcomes;
    const started = outcomes.length === 1 && only?.is === 'done' ? only.started : undefined;
    // If the user closed the dialog meanwhile, the page stays.
    if (started !== undefined && asking.value === question) go(['operations', started]);
    close();
  };
  const title = rows.length === 1 ? `${label} ${rows[0]!.kind} ${short(rows[0]!.operation_id)}?` : `${label} ${count(rows.length)}: ${byStatus(rows)}`;
  return (
    <Dialog title={title} onClose={close}>
      <form onSubmit={(event) => void confirm(event)}>
        <p>{says(rows, now())}{left.length > 0 ? ` Left as they are: ${byStatus(left)}.` : ''}</p>
        <Hit rows={rows} />
        <label class="field">
          <span>Reason <span class="muted">(kept with the operation)</span></span>
          <input autofocus name="reason" value={reason} aria-invalid={isLong} onInput={(event) => setReason(event.currentTarget.value)} />
          {isLong ? <span class="fault" role="alert">expected at most {count(LONGEST_REASON)} characters, got {count(length)}</span> : null}
        </label>
        <div class="actions">
          <button type="button" onClick={close}>Leave as is</button>
          <button type="submit" class={ends ? 'danger' : 'primary'} disabled={busy || isLong || reach.value === 'gone'}>
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
          <Badge row={row} /> <bdi>{row.kind}</bdi> <span class="id">{short(row.operation_id)}</span>
          <bdi class="muted text">{row.progress?.message ?? zoned(row.waiting_for ?? '')}</bdi>
        </li>
      ))}
      {rows.length > LISTED ? <li class="muted">and {count(rows.length - LISTED)} more</li> : null}
    </ul>
  );
}
