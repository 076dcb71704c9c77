// What an operation does, waits for or came to, in one line.
import { isDispatched } from '../../status.ts';
import { since } from '../../clock.ts';
import { count, ordinal, span } from '../../format.ts';
import type { Row } from '../../wire.ts';

export function steps(row: Row): string {
  return (row.progress?.steps ?? []).map((step) => `${step.name} ${count(step.current)}/${count(step.total)}`).join(' › ');
}

export function doing(row: Row, now: number): string {
  const message = row.progress?.message ?? '';
  const { stop, error } = row;
  if (isDispatched(row.status) && row.status !== 'running' && stop !== null) {
    const where = steps(row);
    return `asked ${span(since(stop.requested_at, now) / 1_000)} ago by ${stop.requested_by}${where === '' ? '' : `, in ${where}`}`;
  }
  switch (row.status) {
    case 'pending': {
      const place = row.queue_position === null ? '' : `, ${ordinal(row.queue_position)} in line`;
      return row.waiting_for === null ? 'waits' : `waits: ${row.waiting_for}${place}`;
    }
    case 'failed':
      return error === null ? message : `${error.code}: ${error.message}`;
    case 'cancelled':
    case 'paused':
      return stop === null ? message : `by ${stop.requested_by}${stop.reason === null ? '' : `: ${stop.reason}`}`;
    default:
      return message;
  }
}
