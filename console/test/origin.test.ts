import { describe, expect, it } from 'vitest';
import { course, found } from '../src/origin.ts';
import type { ModelAncestor } from '../src/wire.ts';

const place = (more: Partial<ModelAncestor> = {}): ModelAncestor => ({
  operation_id: 'op_a', run: 1, at: '2026-01-31T11:00:00.000Z', epochs: 0, batches: 0,
  params: { learning_rate: 0.001, hidden_layers: [64, 32] },
  machine: { processor: 'Some CPU', threads: 1, device: 'cpu', libtorch: '2.9.1' },
  ...more,
});

describe('where a model comes from', () => {
  it('is where its training began and went on, with what is different from there', () => {
    const fork = place({
      operation_id: 'op_b', epochs: 10, batches: 1, params: { learning_rate: 0.0003, hidden_layers: [64, 32] },
      machine: { ...place().machine, threads: 2 },
    });
    const { places, leftOut } = course([place(), place({ run: 2, epochs: 1, batches: 1_234 }), fork]);
    expect(leftOut).toBe(0);
    expect(places.map((one) => one.whence)).toEqual(['from the beginning', 'after 1 epoch and 1,234 batches', 'after 10 epochs and 1 batch']);
    expect(places.map((one) => one.changed)).toEqual([[], [], ['learning rate 0.0003', 'Some CPU, 2 threads, cpu, libtorch 2.9.1']]);
  });
  it('leaves out what is in the middle of many', () => {
    const { places, leftOut } = course(Array.from({ length: 1_000 }, (_, run) => place({ run })));
    expect([leftOut, places.length, places[0]!.run, places[1]!.run, places.at(-1)!.run]).toEqual([992, 8, 0, 993, 999]);
  });
  it('is not known of a model of an earlier version', () => {
    expect(course([])).toEqual({ places: [], leftOut: 0 });
  });
});

describe('what a verification found', () => {
  it('is bad only if the same bits are promised', () => {
    const verdict = 'in words';
    expect(found({ identical: true, bits_promised: true, verdict })).toMatchObject({ sign: '✔', bits: 'The bits are identical', bad: false });
    expect(found({ identical: true, bits_promised: false, verdict })).toMatchObject({ sign: '✔', bits: 'The bits are identical, although they are not promised on this machine', bad: false });
    expect(found({ identical: false, bits_promised: false, verdict })).toMatchObject({ sign: '–', bad: false });
    expect(found({ identical: false, bits_promised: true, verdict })).toMatchObject({ sign: '✘', bad: true, verdict });
  });
  it('is nothing in the result of another kind', () => {
    for (const result of [null, 3, {}, { identical: true }, [], { verdict: 'better than the baselines' }]) expect(found(result)).toBeNull();
  });
});
