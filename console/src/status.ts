// The signs of statuses, which are the same everywhere and always shown with a word.
import { count, moment } from './format.ts';
import type { Row, Status, Step, Verb } from './wire.ts';

export const STATUSES: Status[] = [
  'pending', 'running', 'cancelling', 'pausing', 'paused', 'completed', 'failed', 'cancelled',
];

/** The choices of the list's filter. Scheduled operations are pending ones whose time has not come. */
export const CHOICES: string[] = STATUSES.flatMap((status) => (status === 'pending' ? [status, 'scheduled'] : [status]));

const SIGNS: Record<Status, string> = {
  pending: '·',
  running: '▸',
  cancelling: '◌',
  pausing: '◌',
  paused: '‖',
  completed: '✔',
  failed: '✘',
  cancelled: '■',
};

export function sign(status: string): string {
  return status === 'scheduled' ? SIGNS.pending : (SIGNS[status as Status] ?? '?');
}

/** Whether the operation has ended (until a resume). */
export function isEnded(status: Status): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

/** Whether a run is going on. */
export function isDispatched(status: Status): boolean {
  return status === 'running' || status === 'cancelling' || status === 'pausing';
}

/** Whether the operation waits for its time or for its next attempt, so that `start-now` has an effect. */
export function isScheduled(row: Pick<Row, 'status' | 'verbs'>): boolean {
  return row.status === 'pending' && row.verbs.includes('start-now');
}

/** The elapsed seconds, by the server's clock. */
export function elapsed(row: Row, now: number): number {
  const since = isDispatched(row.status) ? Math.max(0, now - Date.parse(row.server_time)) / 1_000 : 0;
  return row.elapsed_seconds + since;
}

/** The levels of steps to show. What has ended has no current step, and neither has the outermost level when all
 * of it is complete: the inner levels in which nothing is complete are left out then. */
export function levels(row: Pick<Row, 'status' | 'progress'>): Step[] {
  const steps = row.progress?.steps ?? [];
  const [outermost] = steps;
  const isOver = isEnded(row.status) || (outermost !== undefined && outermost.total !== null && outermost.current >= outermost.total);
  const begun = isOver ? steps.findIndex((step, index) => index > 0 && step.current === 0) : -1;
  return begun < 0 ? steps : steps.slice(0, begun);
}

/** The number of rows in each status: `12 running, 188 pending`. */
export function byStatus(rows: readonly Pick<Row, 'status'>[]): string {
  const counts = new Map<Status, number>();
  for (const { status } of rows) counts.set(status, (counts.get(status) ?? 0) + 1);
  // Running operations come first, because they have the most to lose.
  const order = [...STATUSES].sort((a, b) => Number(isDispatched(b)) - Number(isDispatched(a)));
  return order.flatMap((status) => (counts.has(status) ? [`${count(counts.get(status)!)} ${status}`] : [])).join(', ');
}

/** Whether the operation may store a checkpoint when it stops: kinds that can be paused do. */
function mayKeep(row: Row): boolean {
  return row.status === 'pausing' || (isDispatched(row.status) && row.verbs.includes('pause'));
}

const it = (rows: Row[]): string => (rows.length === 1 ? 'It' : 'Each of them');

function cancels(rows: Row[]): string {
  const begun = rows.filter((row) => row.run > 0);
  const has = (row: Row): boolean => row.checkpoint !== null;
  const those = rows.length === 1 ? 'it' : begun.length === rows.length ? 'each' : 'each that has begun';
  const left =
    begun.length === 0 ? 'nothing has begun, so nothing is lost'
    : begun.every(has) ? `${those} can be resumed from its last checkpoint`
    : begun.some((row) => has(row) || mayKeep(row)) ? `${those} can be resumed from its last checkpoint where it has one by then, and all that was done is lost otherwise`
    : 'there is no checkpoint, so all that was done is lost';
  return `${it(rows)} ends; ${left}.`;
}

function pauses(rows: Row[]): string {
  const running = rows.filter((row) => isDispatched(row.status)).length;
  if (running === 0) return `${it(rows)} is paused at once and can be resumed.`;
  if (running === rows.length) return `${it(rows)} rests at its next step and can be resumed.`;
  return 'Those that run rest at their next step, the others are paused at once; each can be resumed.';
}

function resumes(rows: Row[], now: number): string {
  const waits = rows.filter((row) => row.not_before !== null && Date.parse(row.not_before) > now);
  if (rows.length === 1 && waits[0] !== undefined) return `It waits until ${moment(waits[0].not_before!)}, as it was told to.`;
  const goes =
    rows.every((row) => row.checkpoint !== null) ? 'goes on from its last checkpoint'
    : rows.every((row) => row.run === 0) ? 'goes back to its queue'
    : rows.every((row) => row.checkpoint === null && row.run > 0) ? 'starts over, as there is no checkpoint'
    : 'goes on from its last checkpoint where there is one, and starts over otherwise';
  return `${it(rows)} ${goes}${waits.length > 0 ? ', once its time has come' : ''}.`;
}

const each = (says: string) => (rows: Row[]): string => `${it(rows)} ${says}.`;

/** Whether this console knows a verb, because a newer server may send more. */
export function isKnown(verb: Verb): boolean {
  return verb in VERBS;
}

export const VERBS: Record<Verb, { label: string; done: string; says: (rows: Row[], now: number) => string; ends: boolean }> = {
  cancel: { label: 'Cancel', done: 'asked to cancel', says: cancels, ends: true },
  pause: { label: 'Pause', done: 'asked to pause', says: pauses, ends: false },
  finish: { label: 'Finish', done: 'asked to finish', says: each('completes after the current step, and keeps what is done'), ends: true },
  resume: { label: 'Resume', done: 'resumed', says: resumes, ends: false },
  'start-now': { label: 'Start now', done: 'asked to start now', says: each('waits no longer for its time or its next attempt'), ends: false },
  retry: { label: 'Retry', done: 'started again', says: each('is started anew, as a new operation with the same params'), ends: false },
};
