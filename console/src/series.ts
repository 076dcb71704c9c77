// Makes curves from metric points: one point for each name and step. Where a later run went on or started
// over, later points of earlier runs are not valid. The server applies this rule to all answers; live points
// are cut here in the same way until the curves are read again.
import type { Event, MetricAnswer, MetricPoint } from './wire.ts';

export interface Point {
  step: number;
  value: number | null;
  run: number;
}

/** One metric. */
export interface Measured {
  /** The points, ascending by step, thinned if there are very many. */
  points: Point[];
  /** The lowest of all points, even if it was thinned out; `high` is the highest. */
  low: Point | null;
  high: Point | null;
}

/** The metrics by name. */
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

/** Takes in an event. Returns whether it is of a new run, so that more points than the known ones may be
 * invalid. */
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
  // After a report of a later run, no later point of an earlier one is valid, so the last point is of the
  // latest run.
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

/** Updates the lowest and the highest point. Of equal ones the first is kept, as in the server. */
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

/** Removes what earlier runs reported after the steps from which run `run` goes on. */
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

/** What a metric measures, without the part of the data: `loss` for `train_loss`. */
export function stem(name: string): string {
  const bare = name.replace(PARTS, '');
  return bare === '' ? name : bare;
}

/** Groups names by what they measure: train and validation loss are on one plot. */
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
  /** A column for each name; null where there is no point. */
  columns: (number | null)[][];
}

/** The curves of these metrics over all of their steps. */
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

/** Marks on the axis, by the outermost step, as for metrics. Checkpoints after the one from which a later run
 * went on are left out. */
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
