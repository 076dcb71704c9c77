import { describe, expect, it } from 'vitest';
import { bytes, duration, exact, instants, measure, millis, moment, ordinal, percent, period, span, tickText, zoned } from '../src/format.ts';
import { folded, history } from '../src/history.ts';
import type { Event } from '../src/wire.ts';
import { plain } from '../src/words.ts';

describe('numbers as people read them', () => {
  it.each([[0, '0:00:00'], [59.99, '0:00:59'], [3_661, '1:01:01'], [90_061, '1 d 1:01:01'], [-5, '0:00:00']])('duration %s', (value, text) => {
    expect(duration(value)).toBe(text);
  });
  it.each([[0.003, '3 ms'], [0.9999, '1.0 s'], [9.96, '10 s'], [59.6, '1 m 00 s'], [3_599.7, '1 h 00 m'], [12_000, '3 h 20 m'], [90_000, '1 d 1 h'], [NaN, '–']])('span %s', (value, text) => {
    expect(span(value)).toBe(text);
  });
  it('never rounds an unfinished one up to the whole', () => {
    expect(percent(99.99)).toBe('99 %');
    expect(percent(100)).toBe('100 %');
  });
  it('is short without losing what matters', () => {
    expect([0.68142, 1.3e-7, 12_034, 0, null, Infinity].map(measure)).toEqual(['0.6814', '1.30e-7', '12,034', '0', '–', '–']);
    expect([999, 1_000, 9_960, 999_600, 1e12].map(bytes)).toEqual(['999 B', '1.0 kB', '10 kB', '1.0 MB', '1.0 TB']);
    expect([null, 0.004, 0.42, 12].map(millis)).toEqual(['–', '4 µs', '0.4 ms', '12 ms']);
    expect([1, 2, 3, 11, 22, 1_000].map(ordinal)).toEqual(['1st', '2nd', '3rd', '11th', '22nd', '1,000th']);
    expect([12_000_000, 0.65, 800].map((value) => tickText(value, value / 5))).toEqual(['12M', '0.65', '800']);
  });
  it('cuts no price: as many decimals as the longest of them has', () => {
    const price = exact([419.95, 420, 419.9, null]);
    expect([419.95, 420, 12_345.5, null].map(price)).toEqual(['419.95', '420.00', '12,345.50', '–']);
    expect(exact([1.2e-7])(1.2e-7)).toBe('0.00000012');
    expect(exact([3_712_800, 12])(3_712_800)).toBe('3,712,800');
  });
  it('tells ticks apart, however close they are', () => {
    expect([419.95, 419.96].map((value) => tickText(value, 0.01))).toEqual(['419.95', '419.96']);
    expect([123_450, 123_460].map((value) => tickText(value, 10))).toEqual(['123,450', '123,460']);
  });
});

describe('times', () => {
  it('are in the reader\'s zone, in what the server says too', () => {
    const at = '2026-12-31T12:00:00.000Z';
    expect(zoned(`until ${at}, attempt 2 of 3`)).toBe(`until ${moment(at)}, attempt 2 of 3`);
    expect(zoned('lane default 2/2 busy')).toBe('lane default 2/2 busy');
  });
  it('of bars are days where each is one, else minutes', () => {
    const days = [Date.UTC(2006, 1, 9), Date.UTC(2006, 1, 10)].map((time) => time / 1_000);
    expect(days.map(instants(days))).toEqual(['2006-02-09', '2006-02-10']);
    const minutes = [...days, days[1]! + 34_260];
    expect(period('2006-02-09T00:00:00.000Z', '2006-02-10T00:00:00.000Z')).toBe('2006-02-09 to 2006-02-10');
    expect(period('2006-02-08T23:00:00.000Z', '2006-02-10T00:00:00.000Z')).toBe('2006-02-08 23:00 to 2006-02-10 00:00');
    expect(minutes.map(instants(minutes))).toEqual(['2006-02-09 00:00', '2006-02-10 00:00', '2006-02-10 09:31']);
  });
});

describe('the timeline', () => {
  const at = (seconds: number): string => new Date(seconds * 1_000).toISOString();
  const status = (seq: number, second: number, more: object): Event => ({
    type: 'status', operation_id: 'a', seq, cursor: seq, at: at(second),
    data: { status: 'running', run: 1, attempt: 1, stop: null, stopped_early: false, error: null, verbs: [], started_at: null, completed_at: null, not_before: null, ...more },
  });
  const stop = { verb: 'cancel' as const, requested_at: at(20), requested_by: 'cli anna', reason: '<b>wrong</b>' };
  it('says who asked what, and how long it waited', () => {
    const events: Event[] = [
      { type: 'submitted', operation_id: 'a', seq: 1, cursor: 1, at: at(0), data: { kind: 'dummy', lane: 'default', priority: 0, labels: {}, requested_by: 'me', retry_of: null, not_before: null, status: 'pending', verbs: [] } },
      status(2, 12, {}),
      { type: 'log', operation_id: 'a', seq: 3, cursor: 3, at: at(13), data: { level: 'info', message: 'x', run: 1 } },
      status(4, 20, { status: 'cancelling', stop }),
      status(5, 21, { status: 'cancelled', stop }),
    ];
    expect(history(events).map((one) => `${one.sign} ${plain(one.text)}`)).toEqual([
      '· submitted by me, lane default',
      '▸ run 1 started, after waiting 12 s',
      '◌ asked to cancel by cli anna: <b>wrong</b>',
      '■ cancelled',
    ]);
  });
  it('says times in the reader\'s zone', () => {
    const [waits, told] = history([
      status(2, 1, { status: 'pending', not_before: at(90_000) }),
      { type: 'rescheduled', operation_id: 'a', seq: 3, cursor: 3, at: at(2), data: { requested_by: 'me', reason: null, not_before: at(80_000), status: 'pending', verbs: [] } },
    ]);
    expect(plain(waits!.text)).toBe(`waits until ${moment(at(90_000))}`);
    expect(plain(told!.text)).toBe(`told to start at ${moment(at(80_000))} by me`);
  });
  it('keeps what somebody said apart from what is said of it', () => {
    const [cancelling] = history([status(4, 20, { status: 'cancelling', stop: { ...stop, reason: '\u202enoitcnuf' } })]);
    expect(cancelling?.text).toEqual(['asked to ', 'cancel', ' by ', { said: 'cli anna' }, ': ', { said: '\u202enoitcnuf' }]);
  });
  it('says why an operation is tried again', () => {
    const [first] = history([
      { type: 'submitted', operation_id: 'b', seq: 1, cursor: 9, at: at(0), data: { kind: 'dummy', lane: 'default', priority: 0, labels: {}, requested_by: 'me', retry_of: 'op_0k3j9x7q2m4tz', reason: 'the disk was full', not_before: null, status: 'pending', verbs: [] } },
    ]);
    expect(plain(first!.text)).toBe('submitted by me, lane default, tries x7q2m4tz again: the disk was full');
  });
  it('says from where an operation was forked', () => {
    const from = { operation_id: 'op_0k3j9x7q2m4tz', step: { epoch: 3 }, at: at(0), run: 2 };
    const [first] = history([
      { type: 'submitted', operation_id: 'b', seq: 1, cursor: 9, at: at(0), data: { kind: 'dummy', lane: 'default', priority: 0, labels: {}, requested_by: 'me', retry_of: null, forked_from: from, not_before: null, status: 'pending', verbs: [] } },
    ]);
    expect(plain(first!.text)).toBe('submitted by me, lane default, forked from x7q2m4tz at epoch 3');
  });
  it('folds many checkpoints in a row, and nothing of the life of an operation', () => {
    const checkpoint = (seq: number): Event => ({ type: 'checkpoint', operation_id: 'a', seq, cursor: seq, at: at(seq), data: { at: at(seq), step: { epoch: seq }, bytes: 1 } });
    const many = Array.from({ length: 100 }, (_, index) => checkpoint(index + 2));
    const told = history([status(1, 1, {}), ...many, ...[2, 3, 4, 5, 6, 7].map((run) => status(100 + run, 200, { run, attempt: run }))]);
    const shown = folded(told, 4);
    expect(shown.map((one) => (Array.isArray(one) ? one.length : one.seq))).toEqual([1, 2, 98, 101, 102, 103, 104, 105, 106, 107]);
  });
});
