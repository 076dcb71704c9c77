// What an operation does, what it waits for, or how it ended, in one line.
import { isDispatched, levels } from '../../status.ts';
import { since } from '../../clock.ts';
import { count, ordinal, span, zoned } from '../../format.ts';
import type { Row } from '../../wire.ts';
import { said, sentence, type Words } from '../../words.ts';

export function steps(row: Row): Words {
  return levels(row).flatMap((step, index) => sentence`${index === 0 ? '' : ' › '}${said(step.name)} ${count(step.current)}${step.total === null ? '' : `/${count(step.total)}`}`);
}

export function doing(row: Row, now: number): Words {
  const message = [said(row.progress?.message ?? '')];
  const { stop, error } = row;
  if (isDispatched(row.status) && row.status !== 'running' && stop !== null) {
    const where = steps(row);
    return sentence`asked ${span(since(stop.requested_at, now) / 1_000)} ago by ${said(stop.requested_by)}${where.length === 0 ? '' : sentence`, in ${where}`}`;
  }
  switch (row.status) {
    case 'pending': {
      const place = row.queue_position === null ? '' : `, ${ordinal(row.queue_position)} in line`;
      return row.waiting_for === null ? ['waits'] : sentence`waits: ${said(zoned(row.waiting_for))}${place}`;
    }
    case 'failed':
      return error === null ? message : sentence`${said(error.code)}: ${said(error.message)}`;
    case 'cancelled':
    case 'paused':
      return stop === null ? message : sentence`by ${said(stop.requested_by)}${stop.reason === null ? '' : sentence`: ${said(stop.reason)}`}`;
    default:
      return message;
  }
}
