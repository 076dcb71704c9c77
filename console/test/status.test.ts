import { describe, expect, it } from 'vitest';
import { misread, options } from '../src/pages/start/options.ts';
import { VERBS, byStatus } from '../src/status.ts';
import type { Row, Status } from '../src/wire.ts';

const row = (status: Status, more: Partial<Row> = {}): Row => ({ status, run: 1, checkpoint: null, verbs: ['cancel'], ...more }) as Row;

describe('what a verb will hit', () => {
  it('is counted by status, what runs first', () => {
    expect(byStatus([row('pending'), row('running'), row('pending'), row('paused')])).toBe('1 running, 2 pending, 1 paused');
  });
  it('speaks of a checkpoint only where there is one, or will be', () => {
    const checkpoint = { at: '', step: {}, bytes: 1 };
    const says = (...rows: Row[]) => VERBS.cancel.says(rows);
    expect(says(row('running'))).toBe('It ends; there is no checkpoint, so all that was done is lost.');
    expect(says(row('pending', { run: 0, verbs: ['cancel', 'pause'] }))).toBe('It ends; nothing has begun, so nothing is lost.');
    for (const kept of [row('running', { checkpoint }), row('running', { verbs: ['cancel', 'pause'] }), row('pausing')]) {
      expect(says(kept)).toBe('It ends; what was done since the last checkpoint is lost.');
    }
    expect(says(row('running', { checkpoint }), row('running'))).toBe('Each of them ends; what was done since the last checkpoint is lost, and all of it where there is none.');
    expect(VERBS.resume.says([row('paused', { run: 0 })])).toBe('It goes back to its queue.');
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
