import { describe, expect, it } from 'vitest';
import { apply, arrange, born, matches, merge, type Filter, type Frame } from '../src/feed/merge.ts';
import type { Progress, Row } from '../src/wire.ts';

const all: Filter = { status: [], kind: [], q: '', active: false };
const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)).toISOString();

function row(id: string, more: Partial<Row> = {}): Row {
  const submitted: Frame = {
    type: 'submitted', operation_id: id, seq: 1, cursor: 1, at: at(0),
    data: { kind: 'dummy', lane: 'default', priority: 0, labels: {}, requested_by: 'me', retry_of: null, not_before: null, status: 'pending', verbs: ['cancel'] },
  };
  return { ...born(submitted)!, ...more };
}

function progress(percentage: number, updated: number): Progress {
  return {
    percentage, message: '', steps: [], items_processed: 0, items_total: null, rate_per_second: null,
    eta_seconds: null, context: {}, advanced_at: null, updated_at: at(updated),
  };
}

function status(seq: number, word: Row['status'], second: number): Frame {
  return {
    type: 'status', operation_id: 'a', seq, cursor: seq, at: at(second),
    data: { status: word, run: 1, attempt: 1, stop: null, stopped_early: false, error: null, verbs: [], started_at: at(1), completed_at: null, not_before: null },
  };
}

describe('merging', () => {
  it('keeps what is newer by seq, whichever comes last', () => {
    const newer = row('a', { seq: 5, status: 'completed' });
    const older = row('a', { seq: 4, status: 'running' });
    expect(merge(newer, older).status).toBe('completed');
    expect(merge(older, newer).status).toBe('completed');
  });

  it('keeps the later progress of two at the same seq', () => {
    const early = row('a', { seq: 2, progress: progress(10, 1) });
    const late = row('a', { seq: 2, progress: progress(20, 2) });
    expect(merge(late, early).progress?.percentage).toBe(20);
    expect(merge(early, late).progress?.percentage).toBe(20);
  });

  it('takes no event twice, and none that was overtaken', () => {
    const held = row('a', { seq: 7, status: 'paused' });
    expect(apply(held, status(7, 'running', 9))).toBe(held);
    expect(apply(held, status(6, 'running', 9))).toBe(held);
    expect(apply(held, status(8, 'running', 9)).status).toBe('running');
  });

  it('forgets the time that it waited for once it was told to start now', () => {
    const later = row('a', { not_before: at(50), waiting_for: 'until later', verbs: ['cancel', 'start-now'] });
    const told = apply(later, {
      type: 'rescheduled', operation_id: 'a', seq: 2, cursor: 2, at: at(1),
      data: { requested_by: 'me', reason: null, not_before: null, status: 'pending', verbs: ['cancel'] },
    });
    expect(told).toMatchObject({ status: 'pending', not_before: null, waiting_for: null, verbs: ['cancel'] });
  });

  it('counts the time run up to the event that ends the run', () => {
    const started = apply(row('a'), status(2, 'running', 10));
    expect(started.elapsed_seconds).toBe(0);
    const ended = apply(started, status(3, 'cancelled', 14));
    expect(ended.elapsed_seconds).toBe(4);
    expect(apply(ended, { ...status(4, 'completed', 99) }).elapsed_seconds).toBe(4);
  });

  it('forgets why it waited once it runs, and that it was deaf once it ended', () => {
    const waiting = row('a', { waiting_for: 'lane default 2/2 busy', queue_position: 3 });
    const running = apply(waiting, status(2, 'running', 1));
    expect([running.waiting_for, running.queue_position]).toEqual([null, null]);
    const deaf = { ...running, unresponsive_since: at(5) };
    expect(apply(deaf, status(3, 'cancelled', 9)).unresponsive_since).toBeNull();
  });

  it('changes nothing but progress by a progress frame', () => {
    const held = row('a', { seq: 7 });
    const next = apply(held, { type: 'progress', operation_id: 'a', at: at(3), data: progress(40, 3) });
    expect(next).toEqual({ ...held, progress: progress(40, 3) });
  });
});

describe('the filter', () => {
  const labelled = row('op_0000000000abc', { labels: { experiment: 'alpha' } });
  it('finds text as the server does', () => {
    for (const [q, found] of [['alp', true], ['lpha', false], ['dummy', true], ['dum', false], ['0abc', true], ['abc', false], ['', true]] as const) {
      expect(matches({ ...all, q }, labelled), q).toBe(found);
    }
  });
  it('finds those that are scheduled, which are pending', () => {
    const scheduled = row('a', { verbs: ['cancel', 'start-now'] });
    for (const [status, found] of [[['scheduled'], true], [['running', 'scheduled'], true], [['pending'], true], [['running'], false]] as const) {
      expect(matches({ ...all, status: [...status] }, scheduled), status.join()).toBe(found);
    }
    expect(matches({ ...all, status: ['scheduled'] }, row('a'))).toBe(false);
  });
  it('knows the active ones', () => {
    expect(matches({ ...all, active: true }, row('a', { status: 'paused' }))).toBe(true);
    expect(matches({ ...all, active: true }, row('a', { status: 'failed' }))).toBe(false);
  });
});

describe('the order', () => {
  const rows = (...ids: string[]): Map<string, Row> => new Map(ids.map((id) => [id, row(id)]));

  it('moves nothing that is looked at: new ones wait', () => {
    const { shown, waiting } = arrange(['c', 'b'], rows('a', 'b', 'c', 'd', 'e'), all, false);
    expect(shown).toEqual(['c', 'b', 'a']);
    expect(waiting).toEqual(['e', 'd']);
  });
  it('keeps a row that fits no more in its place until nobody looks', () => {
    const held = rows('a', 'b', 'c');
    held.set('b', row('b', { status: 'completed' }));
    const pending = { ...all, status: ['pending'] };
    expect(arrange(['c', 'b', 'a'], held, pending, false).shown).toEqual(['c', 'b', 'a']);
    expect(arrange(['c', 'b', 'a'], held, pending, true).shown).toEqual(['c', 'a']);
  });
  it('shows no row that the server knows no more', () => {
    expect(arrange(['c', 'b'], rows('c'), all, false)).toEqual({ shown: ['c'], waiting: [] });
  });
  it('shows at once what comes after nothing', () => {
    expect(arrange([], rows('a', 'b'), all, false)).toEqual({ shown: ['b', 'a'], waiting: [] });
  });
});
