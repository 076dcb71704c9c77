import { describe, expect, it } from 'vitest';
import { best, fromAnswer, grouped, hear, marks, table, type Series } from '../src/series.ts';
import type { Event } from '../src/wire.ts';

const base = { operation_id: 'a', seq: 1, cursor: 1, at: '' };

function add(made: Series, name: string, step: number, value: number | null, run: number): boolean {
  return hear(made, { ...base, type: 'metric', data: { name, step, value, run } });
}

function series(name: string, ...points: [number, number | null, number][]): Series {
  const made: Series = new Map();
  for (const [step, value, run] of points) add(made, name, step, value, run);
  return made;
}

const held = (made: Series, name: string) => made.get(name)?.points.map((point) => [point.step, point.run]);

describe('series', () => {
  it('keeps one point a step, in order of steps', () => {
    const made = series('loss', [1, 0.5, 1], [3, 0.3, 1], [2, 0.4, 1], [3, 0.29, 1]);
    expect(made.get('loss')?.points).toEqual([
      { step: 1, value: 0.5, run: 1 }, { step: 2, value: 0.4, run: 1 }, { step: 3, value: 0.29, run: 1 },
    ]);
    expect(made.get('loss')?.low).toEqual({ step: 3, value: 0.29, run: 1 });
  });

  it('holds nothing of a run beyond where a later one reported, best values neither', () => {
    const made = series('loss', [1, 0.5, 1], [2, 0.4, 1], [3, 0.1, 1]);
    expect(add(made, 'loss', 2, 0.45, 2), 'more may be void than is known here').toBe(true);
    expect(held(made, 'loss')).toEqual([[1, 1], [2, 2]]);
    expect(made.get('loss')).toMatchObject({ low: { step: 2, value: 0.45 }, high: { step: 1, value: 0.5 } });
    expect(add(made, 'loss', 3, 0.44, 2)).toBe(false);
    expect(add(made, 'loss', 4, 9, 1), 'overtaken').toBe(false);
    expect(held(made, 'loss')).toEqual([[1, 1], [2, 2], [3, 2]]);
  });

  it('is cut where a run goes on, and what the new run said stays', () => {
    const made = series('loss', [1, 0.5, 1], [2, 0.4, 1], [3, 0.3, 1]);
    add(made, 'extra', 1, 1, 1);
    const restored = { run: 2, from_step: { epoch: 1 }, metrics: { loss: 1 } };
    expect(hear(made, { ...base, type: 'restored', data: restored })).toBe(true);
    expect(held(made, 'loss')).toEqual([[1, 1]]);
    expect(made.get('loss')?.low).toEqual({ step: 1, value: 0.5, run: 1 });
    expect(made.has('extra'), 'not in the checkpoint: nothing of it holds').toBe(false);
    add(made, 'loss', 3, 0.2, 2);
    expect(held(made, 'loss')).toEqual([[1, 1], [3, 2]]);
  });

  it('takes the best from the store, not from the points that are left', () => {
    const point = (step: number, value: number) => ({ step, value, run: 1, at: '' });
    const made = fromAnswer({
      series: { accuracy: [point(1, 0.5), point(13_240, 0.7425)] },
      summary: { accuracy: { count: 20_000, first: point(1, 0.5), last: point(13_240, 0.7425), min: point(1, 0.5), max: point(10_002, 0.7488) } },
    });
    expect(best('accuracy', made.get('accuracy')!)).toEqual({ step: 10_002, value: 0.7488, run: 1 });
    add(made, 'accuracy', 13_241, 0.75, 1);
    expect(best('accuracy', made.get('accuracy')!)?.step).toBe(13_241);
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
    add(made, 'b', 2, null, 1);
    expect(table(made, ['a', 'b'])).toEqual({ steps: [1, 2, 3], columns: [[10, null, 30], [null, null, null]] });
  });

  it('knows of which metrics less is better, and of which it knows nothing', () => {
    const measured = series('x', [1, 3, 1], [2, 1, 1], [3, null, 1]).get('x')!;
    expect(best('validation_loss', measured)?.step).toBe(2);
    expect(best('accuracy', measured)?.step).toBe(1);
    expect(best('reward', measured)).toBeNull();
  });

  it('marks checkpoints and resumes by the outermost step', () => {
    const events: Event[] = [
      { ...base, type: 'checkpoint', data: { at: '', step: { batch: 0, epoch: 3 }, bytes: 1 } },
      { ...base, type: 'checkpoint', data: { at: '', step: { batch: 31, epoch: 4 }, bytes: 1 } },
      { ...base, type: 'restored', data: { run: 2, from_step: { batch: 0, epoch: 3 }, metrics: {} } },
    ];
    expect(marks(events, 'epoch').map((mark) => [mark.step, mark.kind])).toEqual([[3, 'checkpoint'], [3, 'resumed']]);
  });
});
