// The history of an operation in words: who asked for what, and why it waited.
import { count, moment, short, span } from './format.ts';
import { sign } from './status.ts';
import type { Event, Status, Stop } from './wire.ts';
import { said, sentence, type Words } from './words.ts';

export interface Told {
  seq: number;
  at: string;
  sign: string;
  text: Words;
  /** Whether several in a row may be folded, because there may be very many. */
  folds: boolean;
}

const NOTHING: Words = [];

/** The events in words, without metrics and log lines, which are shown elsewhere. */
export function history(events: readonly Event[]): Told[] {
  let waitsSince: string | null = null;
  let last: Status | null = null;
  return events.flatMap((event): Told[] => {
    const [mark, text] = line(event, waitsSince, last);
    if (event.type === 'submitted' || event.type === 'resumed' || event.type === 'rescheduled') waitsSince = event.at;
    if (event.type === 'status') {
      waitsSince = event.data.status === 'pending' ? event.at : null;
      last = event.data.status;
    }
    const folds = event.type === 'checkpoint' || event.type === 'warning' || event.type === 'gap';
    return text.length === 0 ? [] : [{ seq: event.seq, at: event.at, sign: mark, text, folds }];
  });
}

/** Folds many events of one type in a row: the middle ones become one group. */
export function folded(told: readonly Told[], most: number): (Told | Told[])[] {
  const made: (Told | Told[])[] = [];
  for (let from = 0; from < told.length; ) {
    let to = from + 1;
    while (told[from]!.folds && told[to]?.sign === told[from]!.sign) to++;
    const row = told.slice(from, to);
    if (row.length > most) made.push(row[0]!, row.slice(1, -1), row.at(-1)!);
    else made.push(...row);
    from = to;
  }
  return made;
}

function steps(at: Record<string, number>): Words {
  return Object.entries(at).flatMap(([name, value], index) => sentence`${index === 0 ? '' : ', '}${said(name)} ${count(value)}`);
}

function or(words: Words, other: string): Words {
  return words.length === 0 ? [other] : words;
}

function line(event: Event, waitsSince: string | null, last: Status | null): [string, Words] {
  switch (event.type) {
    case 'submitted': {
      const { requested_by: by, lane, retry_of: first, forked_from: from, reason } = event.data;
      const again = first !== null ? sentence`, tries ${short(first)} again`
        : from != null ? sentence`, forked from ${short(from.operation_id)} at ${or(steps(from.step), 'its checkpoint')}`
        : NOTHING;
      return ['·', sentence`submitted by ${said(by)}, lane ${said(lane)}${again}${because(reason)}`];
    }
    case 'resumed':
      return ['·', sentence`resumed by ${said(event.data.requested_by)}${because(event.data.reason)}`];
    case 'rescheduled':
      return ['·', sentence`told to start ${event.data.not_before === null ? 'now' : `at ${moment(event.data.not_before)}`} by ${said(event.data.requested_by)}${because(event.data.reason)}`];
    case 'restored':
      return ['▸', sentence`run ${event.data.run} goes on from ${or(steps(event.data.from_step), 'its checkpoint')}`];
    case 'checkpoint':
      return ['▪', sentence`checkpoint, ${or(steps(event.data.step), 'whole')}`];
    case 'warning':
      return ['!', sentence`${said(event.data.code)}: ${said(event.data.message)}`];
    case 'gap':
      return ['!', [gap(event.data)]];
    case 'status':
      return [sign(event.data.status), status(event, waitsSince, last)];
    default:
      return ['', NOTHING];
  }
}

function because(reason: string | null | undefined): Words {
  return reason == null ? NOTHING : sentence`: ${said(reason)}`;
}

function gap(data: { logs: number; metrics: number; events: number }): string {
  const parts = Object.entries(data).filter(([, lost]) => lost > 0).map(([name, lost]) => `${count(lost)} ${name}`);
  return `could not be kept: ${parts.join(', ')}`;
}

function told(stop: Stop | null): Words {
  return sentence`asked to ${stop?.verb ?? 'stop'} by ${said(stop?.requested_by ?? 'somebody')}${because(stop?.reason)}`;
}

function status(event: Extract<Event, { type: 'status' }>, waitsSince: string | null, last: Status | null): Words {
  const { status: now, run, attempt, stop, error, stopped_early: early, not_before: later } = event.data;
  const asked = stop === null ? NOTHING : sentence`, ${stop.verb} asked by ${said(stop.requested_by)}${because(stop.reason)}`;
  switch (now) {
    case 'running': {
      if (last === 'running') return stop === null ? ['running'] : told(stop);
      const waited = waitsSince === null ? 0 : (Date.parse(event.at) - Date.parse(waitsSince)) / 1_000;
      return [`run ${run} started${attempt > 1 ? `, attempt ${attempt}` : ''}${waited >= 0.1 ? `, after waiting ${span(waited)}` : ''}`];
    }
    case 'pending':
      return sentence`waits${later === null ? ' for a slot' : ` until ${moment(later)}`}${error === null ? NOTHING : sentence`, after ${said(error.code)}`}`;
    case 'failed':
      return error === null ? ['failed'] : sentence`failed, ${said(error.code)}: ${said(error.message)}`;
    case 'completed':
      return early ? sentence`completed early${asked}` : ['completed'];
    case 'cancelling':
    case 'pausing':
      return told(stop);
    default:
      return last === 'cancelling' || last === 'pausing' ? [now] : sentence`${now}${asked}`;
  }
}
