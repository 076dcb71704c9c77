import { describe, expect, it } from 'vitest';
import { refused, told, type Outcome } from '../src/outcome.ts';

const done = (id: string, recorded = true): Outcome => ({ id, is: 'done', recorded });
const full = (id: string): Outcome => ({ id, is: 'refused', code: 'QUEUE_FULL', problem: `QUEUE_FULL: no room for ${id}` });
const wrong = (id: string): Outcome => ({ id, is: 'refused', code: 'WRONG_STATE', problem: 'WRONG_STATE: it runs.' });
const silent = (id: string): Outcome => ({ id, is: 'unanswered', problem: 'The server cannot be reached.' });

describe('what became of a verb', () => {
  it('is one message, however many were refused', () => {
    const outcomes = [...['a', 'b', 'c', 'd'].map((id) => done(id)), ...Array.from({ length: 8 }, (_, index) => full(`x${index}`))];
    expect(told(outcomes, 'started again')).toEqual({ text: '4 of 12 started again; 8 were refused: QUEUE_FULL: no room for x0', bad: true });
    expect(told([done('a'), full('b')], 'resumed').text).toBe('1 of 2 resumed; 1 was refused: QUEUE_FULL: no room for b');
    expect(told([done('a'), done('b')], 'resumed')).toEqual({ text: '2 of 2 resumed', bad: false });
  });
  it('names each reason once, the most frequent first', () => {
    expect(told([wrong('a'), full('b'), full('c'), silent('d'), done('e', false)], 'asked to cancel').text)
      .toBe('1 of 5 asked to cancel; 1 of these could not be recorded; 2 were refused: QUEUE_FULL: no room for b; 1 was refused: WRONG_STATE: it runs; 1 got no answer: The server cannot be reached');
  });
  it('names one operation by its id', () => {
    expect(told([done('op_0k3j9x7q2m4tz')], 'resumed')).toEqual({ text: 'x7q2m4tz resumed', bad: false });
    expect(told([wrong('op_0k3j9x7q2m4tz')], 'resumed')).toEqual({ text: 'x7q2m4tz: WRONG_STATE: it runs.', bad: true });
    expect(told([done('op_0k3j9x7q2m4tz', false)], 'resumed')).toEqual({ text: 'x7q2m4tz resumed, which could not be recorded', bad: true });
  });
  it('keeps only those selected that nothing happened to', () => {
    expect(refused([done('a'), full('b'), silent('c'), done('d', false), wrong('e')])).toEqual(['b', 'e']);
  });
});
