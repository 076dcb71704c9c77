// What happened to an operation, told to a person: who asked what, and why it waited.
import { count, span } from './format.ts';
import { sign } from './status.ts';
import type { Event, Status } from './wire.ts';

export interface Told {
  seq: number;
  at: string;
  sign: string;
  text: string;
}

/** The story of the events; metrics and log lines have places of their own. */
export function history(events: readonly Event[]): Told[] {
  let waitsSince: string | null = null;
  let last: Status | null = null;
  return events.flatMap((event): Told[] => {
    const [mark, text] = line(event, waitsSince, last);
    if (event.type === 'submitted' || event.type === 'resumed') waitsSince = event.at;
    if (event.type === 'status') {
      waitsSince = event.data.status === 'pending' ? event.at : null;
      last = event.data.status;
    }
    return text === '' ? [] : [{ seq: event.seq, at: event.at, sign: mark, text }];
  });
}

function steps(at: Record<string, number>): string {
  return Object.entries(at).map(([name, value]) => `${name} ${count(value)}`).join(', ');
}

function line(event: Event, waitsSince: string | null, last: Status | null): [string, string] {
  switch (event.type) {
    case 'submitted':
      return ['·', `submitted by ${event.data.requested_by}, lane ${event.data.lane}`];
    case 'resumed':
      return ['·', `resumed by ${event.data.requested_by}${because(event.data.reason)}`];
    case 'restored':
      return ['▸', `run ${event.data.run} goes on from ${steps(event.data.from_step) || 'its checkpoint'}`];
    case 'checkpoint':
      return ['▪', `checkpoint, ${steps(event.data.step) || 'whole'}`];
    case 'warning':
      return ['!', `${event.data.code}: ${event.data.message}`];
    case 'gap':
      return ['!', gap(event.data)];
    case 'status':
      return [sign(event.data.status), status(event, waitsSince, last)];
    default:
      return ['', ''];
  }
}

function because(reason: string | null): string {
  return reason === null ? '' : `: ${reason}`;
}

function gap(data: { logs: number; metrics: number; events: number }): string {
  const parts = Object.entries(data).filter(([, lost]) => lost > 0).map(([name, lost]) => `${count(lost)} ${name}`);
  return `could not be kept: ${parts.join(', ')}`;
}

function status(event: Extract<Event, { type: 'status' }>, waitsSince: string | null, last: Status | null): string {
  const { status: now, run, attempt, stop, error, stopped_early: early, not_before: later } = event.data;
  const asked = stop === null ? '' : `, ${stop.verb} asked by ${stop.requested_by}${because(stop.reason)}`;
  switch (now) {
    case 'running': {
      if (last === 'running') return stop === null ? 'running' : `asked to ${stop.verb} by ${stop.requested_by}${because(stop.reason)}`;
      const waited = waitsSince === null ? 0 : (Date.parse(event.at) - Date.parse(waitsSince)) / 1_000;
      return `run ${run} started${attempt > 1 ? `, attempt ${attempt}` : ''}${waited >= 0.1 ? `, after waiting ${span(waited)}` : ''}`;
    }
    case 'pending':
      return `waits${later === null ? ' for a slot' : ` until ${later.slice(11, 19)} UTC`}${error === null ? '' : `, after ${error.code}`}`;
    case 'failed':
      return `failed${error === null ? '' : `, ${error.code}: ${error.message}`}`;
    case 'completed':
      return early ? `completed early${asked}` : 'completed';
    case 'cancelling':
    case 'pausing':
      return `asked to ${stop?.verb ?? 'stop'} by ${stop?.requested_by ?? 'somebody'}${because(stop?.reason ?? null)}`;
    default:
      return now === 'cancelled' || now === 'paused' ? `${now}${last === 'cancelling' || last === 'pausing' ? '' : asked}` : now;
  }
}
