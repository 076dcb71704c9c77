import { describe, expect, it } from 'vitest';
import { moment } from '../src/format.ts';
import { misread, options } from '../src/pages/start/options.ts';
import { ofRefusal } from '../src/pages/start/wrong.ts';
import { fields } from '../src/schema.ts';
import { VERBS, byStatus, levels } from '../src/status.ts';
import type { Row, Status, Verb } from '../src/wire.ts';

const row = (status: Status, more: Partial<Row> = {}): Row => ({ status, run: 1, checkpoint: null, not_before: null, verbs: ['cancel'], ...more }) as Row;

describe('what a verb will hit', () => {
  it('is counted by status, what runs first', () => {
    expect(byStatus([row('pending'), row('running'), row('pending'), row('paused')])).toBe('1 running, 2 pending, 1 paused');
  });
  const checkpoint = { at: '', step: {}, bytes: 1 };
  const noon = Date.parse('2026-12-31T12:00:00Z');
  const says = (verb: Verb, ...rows: Row[]): string => VERBS[verb].says(rows, noon);
  it('speaks of a checkpoint only where there is one, or may be', () => {
    expect(says('cancel', row('running'))).toBe('It ends; there is no checkpoint, so all that was done is lost.');
    expect(says('cancel', row('pending', { run: 0, verbs: ['cancel', 'pause'] }))).toBe('It ends; nothing has begun, so nothing is lost.');
    expect(says('cancel', row('running', { checkpoint }))).toBe('It ends; it can be resumed from its last checkpoint.');
    for (const pausable of [row('running', { verbs: ['cancel', 'pause'] }), row('pausing')]) {
      expect(says('cancel', pausable)).toBe('It ends; it can be resumed from its last checkpoint where it has one by then, and all that was done is lost otherwise.');
    }
    expect(says('cancel', row('running', { checkpoint }), row('running'))).toBe('Each of them ends; each can be resumed from its last checkpoint where it has one by then, and all that was done is lost otherwise.');
    expect(says('cancel', row('paused', { checkpoint }), row('pending', { run: 0 }))).toBe('Each of them ends; each that has begun can be resumed from its last checkpoint.');
  });
  it('says that what does not run is paused at once', () => {
    expect(says('pause', row('pending'))).toBe('It is paused at once and can be resumed.');
    expect(says('pause', row('running'))).toBe('It rests at its next step and can be resumed.');
    expect(says('pause', row('running'), row('pending'))).toBe('Those that run rest at their next step, the others are paused at once; each can be resumed.');
  });
  it('says of a resume whether it waits, goes on or starts over', () => {
    const later = row('paused', { run: 0, not_before: '2027-01-01T00:00:00.000Z' });
    expect(says('resume', later)).toBe(`It waits until ${moment('2027-01-01T00:00:00.000Z')}, as it was told to.`);
    expect(says('resume', later, row('paused', { run: 0 }))).toBe('Each of them goes back to its queue, once its time has come.');
    expect(says('resume', row('paused', { run: 0, not_before: '2026-01-01T00:00:00.000Z' }))).toBe('It goes back to its queue.');
    expect(says('resume', row('cancelled', { checkpoint }))).toBe('It goes on from its last checkpoint.');
    expect(says('resume', row('paused'))).toBe('It starts over, as there is no checkpoint.');
  });
});

describe('options in the form', () => {
  it('are never a number that JSON cannot say', () => {
    expect(options({ timeout_seconds: '1e400', priority: '\u2212Infinity', max_attempts: '\u22122' })).toEqual({ timeout_seconds: '1e400', priority: '\u2212Infinity', max_attempts: -2 });
  });
});

describe('labels in the form', () => {
  it('are one a line, with commas of their own', () => {
    expect(options({ labels: 'note=a, b\n x = y=z \n\n' })).toEqual({ labels: { note: 'a, b', x: 'y=z' } });
  });
  it('are told of where they are none, or twice', () => {
    expect(misread({ labels: 'note\na=1\na=2' })).toEqual([
      { path: 'options.labels', expected: 'key=value', got: '"note"' },
      { path: 'options.labels', expected: 'each key once', got: '"a"' },
    ]);
    expect(misread({})).toEqual([]);
  });
});

describe('the levels of steps', () => {
  it('in which nothing is complete are shown only while there is a current step', () => {
    const at = (status: Status, epoch: number, batch: number): string[] => {
      const steps = [{ name: 'epoch', current: epoch, total: 8 }, { name: 'batch', current: batch, total: 45 }];
      return levels({ status, progress: { steps } as Row['progress'] }).map((step) => step.name);
    };
    expect(at('running', 3, 0)).toEqual(['epoch', 'batch']);
    expect(at('running', 8, 0)).toEqual(['epoch']);
    expect(at('completed', 8, 0)).toEqual(['epoch']);
    expect(at('cancelled', 0, 0)).toEqual(['epoch']);
    expect(at('cancelled', 3, 7)).toEqual(['epoch', 'batch']);
    expect(levels({ status: 'completed', progress: null })).toEqual([]);
  });
});

describe('a refusal of a kind', () => {
  const list = fields({ kind: 'k', description: '', lane: '', verbs: [], output_schema: {}, fork_params: [], params_schema: { properties: { file: { type: 'string' } } } });
  const refusal = (details: unknown, message = 'file: expected a file, got "x"') => ofRefusal({ code: 'FILE_OUTSIDE', message, details }, list);
  it('is shown at the field that it names, if the form has it', () => {
    expect(refusal({ field: 'file', folder: 'f' })).toEqual({ path: 'file', text: 'FILE_OUTSIDE: expected a file, got "x"' });
    expect(refusal({ field: 'file' }, 'no such file')).toEqual({ path: 'file', text: 'FILE_OUTSIDE: no such file' });
    expect([{ field: 'close' }, { bars: 3 }, null, 'file', [{ path: 'file' }]].map((details) => refusal(details))).toEqual([null, null, null, null, null]);
  });
});
