import { describe, expect, it } from 'vitest';
import { add, best, cut, grouped, marks, table, type Series } from '../src/series.ts';
import type { Event } from '../src/wire.ts';

function series(name: string, ...points: [number, number, number][]): Series {
  const made: Series = new Map();
  for (const [step, value, run] of points) add(made, { name, step, value, run });
  return made;
}

describe('series', () => {
  it('keeps one point a step, the highest run wins, in order of steps', () => {
    const made = series('loss', [1, 0.5, 1], [3, 0.3, 1], [2, 0.4, 1], [3, 0.29, 2], [3, 9, 1]);
    expect(made.get('loss')).toEqual([
      { step: 1, value: 0.5, run: 1 }, { step: 2, value: 0.4, run: 1 }, { step: 3, value: 0.29, run: 2 },
    ]);
  });

  it('is cut where a run goes on, and what the new run said stays', () => {
    const made = series('loss', [1, 0.5, 1], [2, 0.4, 1], [3, 0.3, 1], [3, 0.2, 2]);
    add(made, { name: 'extra', step: 1, value: 1, run: 1 });
    cut(made, { loss: 1 }, 2);
    expect(made.get('loss')?.map((point) => [point.step, point.run])).toEqual([[1, 1], [3, 2]]);
    expect(made.get('extra'), 'not in the checkpoint: nothing of it holds').toEqual([]);
  });

  it('puts what belongs together on one plot', () => {
    const plots = grouped(['train_accuracy', 'train_loss', 'validation_loss', 'val_accuracy', 'reward', 'loss_test']);
    expect(plots).toEqual([
      { title: 'accuracy', names: ['train_accuracy', 'val_accuracy'] },
      { title: 'loss', names: ['loss_test', 'train_loss', 'validation_loss'] },
      { title: 'reward', names: ['reward'] },
    ]);
  });

  it('lays curves of different steps side by side', () => {
    const made = series('a', [1, 10, 1], [3, 30, 1]);
    add(made, { name: 'b', step: 2, value: null, run: 1 });
    expect(table(made, ['a', 'b'])).toEqual({ steps: [1, 2, 3], columns: [[10, null, 30], [null, null, null]] });
  });

  it('knows of which metrics less is better, and of which it knows nothing', () => {
    const points = [{ step: 1, value: 3, run: 1 }, { step: 2, value: 1, run: 1 }, { step: 3, value: null, run: 1 }];
    expect(best('validation_loss', points)?.step).toBe(2);
    expect(best('accuracy', points)?.step).toBe(1);
    expect(best('reward', points)).toBeNull();
  });

  it('marks checkpoints and resumes by the outermost step', () => {
    const base = { operation_id: 'a', seq: 1, cursor: 1, at: '' };
    const events: Event[] = [
      { ...base, type: 'checkpoint', data: { at: '', step: { batch: 31, epoch: 4 }, bytes: 1 } },
      { ...base, type: 'restored', data: { run: 2, from_step: { batch: 0, epoch: 3 }, metrics: {} } },
    ];
    expect(marks(events, 'epoch').map((mark) => [mark.step, mark.kind])).toEqual([[4, 'checkpoint'], [3, 'resumed']]);
  });
});
