// From metric points to curves. One point a (name, step); where a later run went on or started over,
// nothing of an earlier one holds beyond. The server decides so for all that it is asked for; what
// comes live is cut the same way until it is asked again.
import type { Event, MetricAnswer, MetricPoint } from './wire.ts';

export interface Point {
  step: number;
  value: number | null;
  run: number;
}

/** One metric. */
export interface Measured {
  /** Ascending by step; of very many, some. */
  points: Point[];
  /** The lowest and the highest of all, whether or not they are among the points. */
  low: Point | null;
  high: Point | null;
}

/** By name. */
export type Series = Map<string, Measured>;

function point({ step, value, run }: MetricPoint): Point {
  return { step, value, run };
}

export function fromAnswer({ series, summary }: MetricAnswer): Series {
  return new Map(
    Object.entries(series).map(([name, list]) => {
      const { min, max } = summary[name] ?? { min: null, max: null };
      return [name, { points: list.map(point), low: min && point(min), high: max && point(max) }];
    }),
  );
}

/** Takes what an event says; whether a run was heard of that was not known, so that more than what
 * is held here may be void. */
export function hear(series: Series, event: Event): boolean {
  if (event.type === 'restored') {
    cut(series, event.data.metrics, event.data.run);
    return true;
  }
  return event.type === 'metric' && add(series, event.data);
}

/** Adds a point in its place, nearly always at the end. */
function add(series: Series, { name, step, value, run }: Point & { name: string }): boolean {
  const measured = series.get(name) ?? { points: [], low: null, high: null };
  series.set(name, measured);
  const { points } = measured;
  // Where a later run reported, nothing of an earlier one holds beyond: the last point is of the latest.
  const latest = points.at(-1)?.run ?? 0;
  if (run < latest) return false;
  const made = { step, value, run };
  if (run === latest && step > (points.at(-1)?.step ?? -1)) {
    points.push(made);
    widen(measured, made);
    return false;
  }
  keep(measured, (held) => held.step < step || (held.run === run && held.step > step));
  const place = measured.points.findIndex((held) => held.step > step);
  measured.points.splice(place < 0 ? measured.points.length : place, 0, made);
  widen(measured, made);
  return run > latest && latest > 0;
}

/** The earliest of those that are equally low or high, as the server has it. */
function widen(measured: Measured, { step, value, run }: Point): void {
  if (value === null) return;
  const made = { step, value, run };
  const { low, high } = measured;
  if (low === null || value < low.value! || (value === low.value && step < low.step)) measured.low = made;
  if (high === null || value > high.value! || (value === high.value && step < high.step)) measured.high = made;
}

function keep(measured: Measured, holds: (point: Point) => boolean): void {
  measured.points = measured.points.filter(holds);
  const ends = [measured.low, measured.high];
  if (ends.every((end) => end === null || holds(end))) return;
  measured.low = measured.high = null;
  for (const held of measured.points) widen(measured, held);
}

/** Takes away what earlier runs reported after the steps that run `run` goes on from. */
function cut(series: Series, last: Record<string, number>, run: number): void {
  for (const [name, measured] of series) {
    keep(measured, (held) => held.run >= run || held.step <= (last[name] ?? -1));
    if (measured.points.length === 0) series.delete(name);
  }
}

export function size(series: Series): number {
  let most = 0;
  for (const { points } of series.values()) most = Math.max(most, points.length);
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
  const steps = [...new Set(names.flatMap((name) => (series.get(name)?.points ?? []).map((held) => held.step)))];
  steps.sort((a, b) => a - b);
  const place = new Map(steps.map((step, index) => [step, index]));
  const columns = names.map((name) => {
    const column: (number | null)[] = new Array<null>(steps.length).fill(null);
    for (const held of series.get(name)?.points ?? []) column[place.get(held.step)!] = held.value;
    return column;
  });
  return { steps, columns };
}

/** The best point of a metric: the lowest of a loss or an error, the highest of an accuracy or a score. */
export function best(name: string, { low, high }: Measured): Point | null {
  if (/loss|error|perplexity/.test(name)) return low;
  return /accuracy|score|auc|f1/.test(name) ? high : null;
}

/** Something that happened at a step: a checkpoint, or a run that went on from one. */
export interface Mark {
  step: number;
  kind: 'checkpoint' | 'resumed';
  label: string;
}

/** Marks on the axis, counted in the outermost step, as metrics are. Checkpoints that no later run
 * went on from are gone with what they were made of. */
export function marks(events: readonly Event[], outermost: string | undefined): Mark[] {
  const at = (steps: Record<string, number>): number | undefined =>
    outermost === undefined ? Object.values(steps)[0] : (steps[outermost] ?? Object.values(steps)[0]);
  let made: Mark[] = [];
  let run = 1;
  let startsOver = false;
  for (const event of events) {
    if (event.type === 'status' && event.data.run > run) {
      run = event.data.run;
      startsOver = true;
    }
    if (event.type === 'checkpoint') {
      if (startsOver) made = [];
      startsOver = false;
      const step = at(event.data.step);
      if (step !== undefined) made.push({ step, kind: 'checkpoint', label: `checkpoint at ${step}` });
    }
    if (event.type !== 'restored') continue;
    startsOver = false;
    const step = at(event.data.from_step) ?? Math.max(0, ...Object.values(event.data.metrics));
    made = made.filter((mark) => mark.step <= step);
    made.push({ step, kind: 'resumed', label: `run ${event.data.run}` });
  }
  return made;
}
