// A plot: uPlot in the page's colours, with marks on its axis.
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Range } from '../feed.ts';
import { areDays, instants, measure, tickText } from '../format.ts';
import type { Mark } from '../series.ts';
import { colours } from './theme.ts';

export interface Curve {
  name: string;
  values: (number | null)[];
  /** Whether to draw bars instead of a line. */
  bars?: boolean;
  /** Whether the curve is only in the legend, because the plot is drawn as candles. */
  unseen?: boolean;
}

interface Props {
  label: string;
  x: number[];
  curves: Curve[];
  marks?: Mark[];
  log?: boolean;
  /** Whether the curves are open, high, low and close, and drawn as candles. */
  candles?: boolean;
  /** Whether x is seconds since 1970. */
  time?: boolean;
  height?: number;
  /** Plots with the same key show the same place under the pointer. */
  together?: string;
  /** Formats a value; by default as a measured number. */
  format?: (value: number | null | undefined) => string;
  /** The part of x that is shown; null for all of it. */
  range: Range | null;
  /** Called to zoom in, or to show everything again. */
  zoom: (range: Range | null) => void;
}

const COLOURS = ['--curve-1', '--curve-2', '--curve-3', '--curve-4', '--curve-5', '--curve-6'];
const DASHES: number[][] = [[], [6, 3], [2, 3], [10, 3, 2, 3], [4, 2], [1, 4]];

const WHOLE = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((first) => first * 10 ** power)).flat();

/** Spans of days in seconds; uPlot takes 30 days for a month and 365 for a year. */
const DAYS = [1, 2, 3, 5, 7, 10, 15, 30, 60, 90, 120, 180, 365, 730, 1_825, 3_650, 9_125].map((days) => days * 86_400);

function colour(element: Element, name: string): string {
  return getComputedStyle(element).getPropertyValue(name).trim() || '#888';
}

function options(element: HTMLElement, latest: { current: Props }): uPlot.Options {
  const props = latest.current;
  const muted = colour(element, '--muted');
  const grid = colour(element, '--line');
  const axis: uPlot.Axis = { stroke: muted, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 }, font: '12px system-ui, sans-serif' };
  return {
    width: Math.max(200, element.clientWidth),
    height: props.height ?? 220,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), 'UTC'),
    cursor: {
      ...(props.together === undefined ? {} : { sync: { key: props.together } }),
      // The owner of the plot keeps the range, so that new data does not reset it.
      drag: { x: true, y: false, setScale: false },
      dataIdx: (plot, series, at) => nearest(plot, series, at),
      bind: { dblclick: () => () => { latest.current.zoom(null); return null; } },
    },
    scales: {
      x: { time: props.time ?? false },
      y: props.log === true ? { distr: 3 } : {},
    },
    axes: [
      // Steps are whole numbers, and days have no hours between them.
      { ...axis, space: 60, ...(props.time !== true ? { incrs: WHOLE } : areDays(props.x) ? { incrs: DAYS } : {}) },
      { ...axis, size: 64, values: (_, splits, _axis, _space, step) => splits.map((value) => (value === null ? '' : tickText(value, step))) },
    ],
    series: [props.time === true ? { label: 'time', value: (_, at: number | null) => (at === null ? '–' : instants(latest.current.x)(at)) } : { label: 'step' }, ...props.curves.map((curve, index) => line(element, curve, index, props.format ?? measure))],
    hooks: {
      draw: [],
      setSelect: [(plot) => {
        const { left, width } = plot.select;
        if (width <= 0) return;
        plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        latest.current.zoom([plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')]);
      }],
    },
  };
}

/** The nearest point of a curve that has none at this place, if it is close enough on the screen. */
function nearest(plot: uPlot, series: number, at: number): number {
  const [x, values] = [plot.data[0], plot.data[series]!];
  const reach = Math.abs(plot.posToVal(NEAR_PX, 'x') - plot.posToVal(0, 'x'));
  const isNear = (other: number): boolean => other >= 0 && other < x.length && Math.abs(x[other]! - x[at]!) <= reach;
  for (let by = 0; isNear(at - by) || isNear(at + by); by++) {
    for (const other of [at - by, at + by]) if (isNear(other) && values[other] != null) return other;
  }
  return at;
}

const NEAR_PX = 4;

function line(element: Element, curve: Curve, index: number, format: NonNullable<Props['format']>): uPlot.Series {
  const stroke = colour(element, COLOURS[index % COLOURS.length]!);
  const bars = uPlot.paths.bars?.({ size: [0.7, 12], align: 0 });
  return {
    label: curve.name,
    stroke,
    width: curve.bars === true ? 0 : 1.5,
    dash: DASHES[index % DASHES.length]!,
    spanGaps: true,
    value: (_, value: number | null) => format(value),
    ...(curve.unseen === true ? { paths: () => null, points: { show: false } } : {}),
    ...(curve.bars === true && bars !== undefined ? { paths: bars, fill: stroke, points: { show: false } } : {}),
  };
}

/** A wick from low to high and a body from open to close; filled where the price fell. */
function drawCandles(plot: uPlot, element: Element): void {
  const [times, opens, highs, lows, closes] = plot.data as (number | null)[][];
  const [from, to] = plot.series[0]?.idxs ?? [0, -1];
  if (!times || !opens || !highs || !lows || !closes || to < from) return;
  const { ctx, bbox } = plot;
  const width = Math.min(12 * devicePixelRatio, Math.max(1, (0.7 * bbox.width) / (to - from + 1)));
  const up = colour(element, '--good');
  const down = colour(element, '--bad');
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.lineWidth = Math.max(1, devicePixelRatio / 2);
  for (let at = from; at <= to; at++) {
    const [open, high, low, close] = [opens[at]!, highs[at]!, lows[at]!, closes[at]!];
    const x = Math.round(plot.valToPos(times[at]!, 'x', true));
    const y = (price: number): number => Math.round(plot.valToPos(price, 'y', true));
    ctx.strokeStyle = ctx.fillStyle = close < open ? down : up;
    ctx.beginPath();
    ctx.moveTo(x, y(high));
    ctx.lineTo(x, y(low));
    ctx.stroke();
    const top = Math.min(y(open), y(close));
    const height = Math.max(1, Math.abs(y(open) - y(close)));
    if (close < open || width < 3) ctx.fillRect(x - width / 2, top, width, height);
    else {
      ctx.fillStyle = colour(element, '--panel');
      ctx.fillRect(x - width / 2, top, width, height);
      ctx.strokeRect(x - width / 2, top, width, height);
    }
  }
  ctx.restore();
}

function drawMarks(plot: uPlot, marks: Mark[], element: Element): void {
  const { ctx, bbox } = plot;
  const { min = 0, max = 0 } = plot.scales['x'] ?? {};
  ctx.save();
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  for (const mark of marks) {
    if (mark.step < (min ?? 0) || mark.step > (max ?? 0)) continue;
    // The line goes through the middle of a pixel, or it would be blurred over two.
    const x = Math.round(plot.valToPos(mark.step, 'x', true)) + 0.5;
    const resumed = mark.kind === 'resumed';
    ctx.strokeStyle = ctx.fillStyle = colour(element, resumed ? '--warn' : '--muted');
    ctx.lineWidth = 1;
    ctx.setLineDash(resumed ? [5, 4] : [1, 3]);
    ctx.beginPath();
    ctx.moveTo(x, resumed ? bbox.top : bbox.top + bbox.height - 10 * devicePixelRatio);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    // uPlot leaves the alignment of its axes set. The label is beside the line, on the side with enough room.
    const fits = x + 4 + ctx.measureText(mark.label).width <= bbox.left + bbox.width;
    ctx.textAlign = fits ? 'left' : 'right';
    if (resumed) ctx.fillText(mark.label, fits ? x + 4 : x - 4, bbox.top + 11 * devicePixelRatio);
    else ctx.fillRect(x - 2 * devicePixelRatio, bbox.top + bbox.height - 4 * devicePixelRatio, 4 * devicePixelRatio, 4 * devicePixelRatio);
  }
  ctx.restore();
}

/** The data for uPlot. On a logarithmic axis, values that are not above zero are left out. */
function data({ x, curves, log }: Props): uPlot.AlignedData {
  const fit = (values: (number | null)[]): (number | null)[] =>
    log === true ? values.map((value) => (value !== null && value > 0 ? value : null)) : values;
  return [x, ...curves.map((curve) => fit(curve.values))];
}

/** Draws the newest data in the shown part, and fits the height to it. */
function show(plot: uPlot, props: Props): void {
  const [min, max] = props.range ?? [];
  if (min === undefined || max === undefined) plot.setData(data(props));
  else {
    plot.batch(() => {
      plot.setData(data(props), false);
      plot.setScale('x', { min, max });
    });
  }
}

/** The plot in words, for screen readers. */
function spoken({ label, x, curves, marks = [], format = measure, range, time }: Props): string {
  const [from, to] = range ?? [-Infinity, Infinity];
  const within = x.flatMap((at, index) => (at >= from && at <= to ? [index] : []));
  const last = (values: (number | null)[]): number | null => values[within.findLast((index) => values[index] != null) ?? -1] ?? null;
  const parts = curves.map((curve) => `${curve.name} ${format(last(curve.values))}`);
  const saved = marks.filter((mark) => mark.kind === 'checkpoint').length;
  const resumed = marks.filter((mark) => mark.kind === 'resumed').map((mark) => `; ${mark.label} from ${mark.step}`);
  const at = time === true ? instants(x) : String;
  const part = range === null ? '' : ` from ${at(from)} to ${at(to)}`;
  return `${label}${part}, ${within.length} points; last: ${parts.join(', ')}${saved > 0 ? `; checkpoints: ${saved}` : ''}${resumed.join('')}`;
}

export function Plot(props: Props): JSX.Element {
  const ref = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const shape = `${props.curves.map((curve) => curve.name).join()}|${String(props.log)}|${String(props.candles)}|${colours.value}`;
  useEffect(() => {
    const element = ref.current;
    if (element === null) return undefined;
    const made = new uPlot(options(element, latest), data(latest.current), element);
    // Marks change while the plot stays, so the hook reads the newest ones.
    made.hooks.draw = [(one) => {
      if (latest.current.candles === true) drawCandles(one, element);
      drawMarks(one, latest.current.marks ?? [], element);
    }];
    plot.current = made;
    show(made, latest.current);
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0) made.setSize({ width: Math.max(200, element.clientWidth), height: latest.current.height ?? 220 });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape]);
  useEffect(() => { if (plot.current !== null) show(plot.current, props); }, [props.x, props.curves, props.marks, props.range?.join()]);
  return <div class="plot" ref={ref} role="img" aria-label={spoken(props)} />;
}
