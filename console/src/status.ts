// The signs, everywhere the same; a word always goes with them.
import { count } from './format.ts';
import type { Row, Status, Verb } from './wire.ts';

export const STATUSES: Status[] = [
  'pending', 'running', 'cancelling', 'pausing', 'paused', 'completed', 'failed', 'cancelled',
];

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

export function sign(status: Status): string {
  return SIGNS[status] ?? '?';
}

/** Over, until a resume. */
export function isEnded(status: Status): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

/** A run is going on. */
export function isDispatched(status: Status): boolean {
  return status === 'running' || status === 'cancelling' || status === 'pausing';
}

/** Seconds it has run, by the server's clock. */
export function elapsed(row: Row, now: number): number {
  const since = isDispatched(row.status) ? Math.max(0, now - Date.parse(row.server_time)) / 1_000 : 0;
  return row.elapsed_seconds + since;
}

/** How many of them are in each status: `12 running, 188 pending`. */
export function byStatus(rows: readonly Pick<Row, 'status'>[]): string {
  const counts = new Map<Status, number>();
  for (const { status } of rows) counts.set(status, (counts.get(status) ?? 0) + 1);
  // Those that run come first: they have the most to lose.
  const order = [...STATUSES].sort((a, b) => Number(isDispatched(b)) - Number(isDispatched(a)));
  return order.flatMap((status) => (counts.has(status) ? [`${count(counts.get(status)!)} ${status}`] : [])).join(', ');
}

/** Whether something would be left of it: it has a checkpoint, or its kind, which can be paused, makes one. */
function isKept(row: Row): boolean {
  return row.checkpoint !== null || row.status === 'pausing' || (isDispatched(row.status) && row.verbs.includes('pause'));
}

function cancels(rows: Row[]): string {
  const begun = rows.filter((row) => row.run > 0);
  const lost =
    begun.length === 0 ? 'nothing has begun, so nothing is lost'
    : begun.every(isKept) ? 'what was done since the last checkpoint is lost'
    : begun.some(isKept) ? 'what was done since the last checkpoint is lost, and all of it where there is none'
    : 'there is no checkpoint, so all that was done is lost';
  return `${rows.length === 1 ? 'It ends' : 'Each of them ends'}; ${lost}.`;
}

function resumes(rows: Row[]): string {
  const it = rows.length === 1 ? 'It goes' : 'Each of them goes';
  if (rows.every((row) => row.checkpoint !== null)) return `${it} on from its last checkpoint.`;
  if (rows.every((row) => row.run === 0)) return `${it} back to its queue.`;
  return `${it} on from its last checkpoint where there is one, and starts over otherwise.`;
}

const each = (says: string) => (rows: Row[]): string => `${rows.length === 1 ? 'It' : 'Each of them'} ${says}.`;

/** Whether this console knows a verb: a newer server may name more. */
export function isKnown(verb: Verb): boolean {
  return verb in VERBS;
}

export const VERBS: Record<Verb, { label: string; done: string; says: (rows: Row[]) => string; ends: boolean }> = {
  cancel: { label: 'Cancel', done: 'asked to cancel', says: cancels, ends: true },
  pause: { label: 'Pause', done: 'asked to pause', says: each('rests at its next step and can be resumed'), ends: false },
  finish: { label: 'Finish', done: 'asked to finish', says: each('completes after the step in hand, and keeps what is done'), ends: true },
  resume: { label: 'Resume', done: 'resumed', says: resumes, ends: false },
  'start-now': { label: 'Start now', done: 'asked to start now', says: each('waits no longer for its time or its next attempt'), ends: false },
  retry: { label: 'Retry', done: 'started again', says: each('is started anew, as a new operation with the same params'), ends: false },
};
