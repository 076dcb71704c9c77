// How the data of an operation changes with answers and frames. Pure: no clock, no network.
// An event may arrive before an older answer, so the higher `seq` wins. Progress has no `seq`, so the later
// `updated_at` wins.
import { isDispatched, isEnded, isScheduled } from '../status.ts';
import type { Body, Progress, Row } from '../wire.ts';

/** A frame of the socket: a durable event, or progress, which has neither `seq` nor `cursor`. */
export type Frame = (Body | { type: 'progress'; data: Progress }) & {
  operation_id: string;
  seq?: number;
  cursor?: number;
  at: string;
};

/** Merges a row that was read into one that is known. */
export function merge<T extends Row>(held: T | undefined, read: T): T {
  if (held === undefined || read.seq > held.seq) return read;
  if (read.seq < held.seq) return { ...held, progress: later(held.progress, read.progress) };
  return { ...read, progress: later(held.progress, read.progress) };
}

function later(held: Progress | null, read: Progress | null): Progress | null {
  if (held === null || read === null) return read ?? held;
  return Date.parse(held.updated_at ?? '') > Date.parse(read.updated_at ?? '') ? held : read;
}

/** The row after a frame; the same object if the frame has nothing new. */
export function apply<T extends Row>(row: T, frame: Frame): T {
  if (frame.type === 'progress') return { ...row, progress: frame.data };
  if (frame.seq === undefined || frame.seq <= row.seq) return row;
  const next: T = { ...row, seq: frame.seq };
  switch (frame.type) {
    case 'status':
      return { ...next, ...frame.data, ...timed(row, frame.at), ...placed(row, frame.data.status) };
    case 'resumed': {
      const { status, attempt, verbs } = frame.data;
      return { ...next, status, attempt, verbs, stop: null, completed_at: null };
    }
    case 'rescheduled': {
      const { status, not_before, verbs } = frame.data;
      return { ...next, status, not_before, verbs, waiting_for: null };
    }
    case 'checkpoint':
      return { ...next, checkpoint: frame.data };
    case 'warning':
      return frame.data.code === 'UNRESPONSIVE' ? { ...next, unresponsive_since: frame.data.at } : next;
    default:
      return next;
  }
}

/** The elapsed time at an event. */
function timed(row: Row, at: string): Pick<Row, 'elapsed_seconds' | 'server_time'> {
  const since = Math.max(0, Date.parse(at) - Date.parse(row.server_time)) / 1_000;
  const ran = isDispatched(row.status) ? since : 0;
  return { elapsed_seconds: row.elapsed_seconds + ran, server_time: at };
}

/** Why an operation waits, and its place in the queue; null if it runs or has ended. */
function placed(row: Row, status: Row['status']): Pick<Row, 'waiting_for' | 'queue_position' | 'unresponsive_since'> {
  return {
    waiting_for: status === 'pending' ? row.waiting_for : null,
    queue_position: status === 'pending' ? row.queue_position : null,
    unresponsive_since: isEnded(status) ? null : row.unresponsive_since,
  };
}

/** The row of an operation that was just submitted. */
export function born(frame: Frame): Row | null {
  if (frame.type !== 'submitted') return null;
  return {
    ...frame.data,
    forked_from: frame.data.forked_from ?? null,
    operation_id: frame.operation_id,
    run: 0,
    attempt: 1,
    max_attempts: 1,
    created_at: frame.at,
    started_at: null,
    completed_at: null,
    elapsed_seconds: 0,
    server_time: frame.at,
    waiting_for: null,
    queue_position: null,
    stop: null,
    stopped_early: false,
    unresponsive_since: null,
    progress: null,
    checkpoint: null,
    error: null,
    seq: frame.seq ?? 1,
  };
}

export interface Filter {
  status: string[];
  kind: string[];
  q: string;
  active: boolean;
}

/** Whether a row matches the filter, as far as that can be seen from the row itself. */
export function matches(filter: Filter, row: Row): boolean {
  const { status } = filter;
  if (status.length > 0 && !status.includes(row.status) && !(status.includes('scheduled') && isScheduled(row))) return false;
  if (filter.kind.length > 0 && !filter.kind.includes(row.kind)) return false;
  if (filter.active && isEnded(row.status)) return false;
  const q = filter.q.trim();
  if (q === '') return true;
  const labelled = Object.values(row.labels).some((value) => value.startsWith(q));
  return row.kind === q || labelled || (q.length >= 4 && row.operation_id.endsWith(q.toLowerCase()));
}

/** Sorts ids with the newest first. (Ids ascend with time.) */
export function newestFirst(ids: Iterable<string>): string[] {
  return [...ids].sort((a, b) => (a < b ? 1 : a > b ? -1 : 0));
}

/** Which rows are shown, and which wait. While somebody uses the list, rows stay in their places. */
export function arrange(
  shown: readonly string[],
  rows: ReadonlyMap<string, Row>,
  filter: Filter,
  calm: boolean,
): { shown: string[]; waiting: string[] } {
  const fits: string[] = [];
  for (const [id, row] of rows) if (matches(filter, row)) fits.push(id);
  const wanted = newestFirst(fits);
  const kept = shown.filter((id) => rows.has(id));
  const last = kept.at(-1);
  if (calm || last === undefined) return { shown: wanted, waiting: [] };
  const seen = new Set(kept);
  const missing = wanted.filter((id) => !seen.has(id));
  // Rows older than the last one were requested, and move no row above them.
  const older = missing.filter((id) => id < last);
  const waiting = missing.filter((id) => id > last);
  return { shown: [...kept, ...older], waiting };
}
