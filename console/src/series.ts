// From metric points to curves. One point a (name, step), the highest run wins; after a restore the
// curve is cut where the run goes on.
import type { Event, MetricPoint } from './wire.ts';

export interface Point {
  step: number;
  value: number | null;
  run: number;
}

/** By name, ascending by step. */
export type Series = Map<string, Point[]>;

export function fromAnswer(answer: Record<string, MetricPoint[]>): Series {
  const points = ({ step, value, run }: MetricPoint): Point => ({ step, value, run });
  return new Map(Object.entries(answer).map(([name, list]) => [name, list.map(points)]));
}

/** Adds a point in its place. The array is the curve's own and grows at its end, nearly always. */
export function add(series: Series, point: Point & { name: string }): void {
  const { name, step, value, run } = point;
  const list = series.get(name);
  if (list === undefined) {
    series.set(name, [{ step, value, run }]);
    return;
  }
  let place = list.length;
  while (place > 0 && list[place - 1]!.step > step) place--;
  const held = list[place - 1];
  if (held?.step === step) {
    if (run >= held.run) list[place - 1] = { step, value, run };
  } else list.splice(place, 0, { step, value, run });
}

/** Takes away what an earlier run said after the step that the new one goes on from. */
export function cut(series: Series, last: Record<string, number>, run: number): void {
  for (const [name, list] of series) {
    const keep = last[name] ?? -1;
    series.set(name, list.filter((point) => point.step <= keep || point.run >= run));
  }
}

export function size(series: Series): number {
  let most = 0;
  for (const list of series.values()) most = Math.max(most, list.length);
  return most;
}

const PARTS = /^(train|training|val|valid|validation|test|eval)_|_(train|training|val|valid|validation|test|eval)$/;

/** What a metric measures, whichever part of the data it measures it on: `loss` of `train_loss`. */
export function stem(name: string): string {
  const bare = name.replace(PARTS, '');
  return bare === '' ? name : bare;
}

/** One plot for each thing measured: train and validation loss belong together. */
export function grouped(names: Iterable<string>): { title: string; names: string[] }[] {
  const plots = new Map<string, string[]>();
  for (const name of names) {
    const title = stem(name);
    plots.set(title, [...(plots.get(title) ?? []), name]);
  }
  return [...plots].map(([title, members]) => ({ title, names: members.sort() }));
}

export interface Table {
  steps: number[];
  /** A column for each name; null where it has no point. */
  columns: (number | null)[][];
}

/** Curves side by side over all of their steps. */
export function table(series: Series, names: string[]): Table {
  const steps = [...new Set(names.flatMap((name) => (series.get(name) ?? []).map((point) => point.step)))];
  steps.sort((a, b) => a - b);
  const place = new Map(steps.map((step, index) => [step, index]));
  const columns = names.map((name) => {
    const column: (number | null)[] = new Array<null>(steps.length).fill(null);
    for (const point of series.get(name) ?? []) column[place.get(point.step)!] = point.value;
    return column;
  });
  return { steps, columns };
}

/** The best point of a curve: the lowest of a loss or an error, the highest of an accuracy or a score. */
export function best(name: string, points: readonly Point[]): Point | null {
  const sense = /loss|error|perplexity/.test(name) ? -1 : /accuracy|score|auc|f1/.test(name) ? 1 : 0;
  if (sense === 0) return null;
  let found: Point | null = null;
  for (const point of points) {
    if (point.value === null) continue;
    if (found === null || sense * point.value > sense * (found.value ?? 0)) found = point;
  }
  return found;
}

/** Something that happened at a step: a checkpoint, or a run that went on from one. */
export interface Mark {
  step: number;
  kind: 'checkpoint' | 'resumed';
  label: string;
}

/** Marks on the axis, counted in the outermost step, as metrics are. */
export function marks(events: readonly Event[], outermost: string | undefined): Mark[] {
  const at = (steps: Record<string, number>): number | undefined =>
    outermost === undefined ? Object.values(steps)[0] : (steps[outermost] ?? Object.values(steps)[0]);
  return events.flatMap((event): Mark[] => {
    if (event.type === 'checkpoint') {
      const step = at(event.data.step);
      return step === undefined ? [] : [{ step, kind: 'checkpoint', label: `checkpoint at ${step}` }];
    }
    if (event.type !== 'restored') return [];
    const step = at(event.data.from_step) ?? Math.max(0, ...Object.values(event.data.metrics));
    return [{ step, kind: 'resumed', label: `run ${event.data.run}` }];
  });
}
