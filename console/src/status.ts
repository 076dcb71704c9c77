// The signs, everywhere the same; a word always goes with them.
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

export const VERBS: Record<Verb, { label: string; done: string; says: string; ends: boolean }> = {
  cancel: { label: 'Cancel', done: 'asked to cancel', says: 'ends; what it did since its last checkpoint is lost', ends: true },
  pause: { label: 'Pause', done: 'asked to pause', says: 'rests at its next step and can be resumed', ends: false },
  finish: { label: 'Finish', done: 'asked to finish', says: 'completes after the step in hand, and keeps what is done', ends: true },
  resume: { label: 'Resume', done: 'resumed', says: 'goes on from its last checkpoint', ends: false },
  retry: { label: 'Retry', done: 'started again', says: 'is started anew, as a new operation with the same params', ends: false },
};
