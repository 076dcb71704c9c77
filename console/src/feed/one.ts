// A live operation: its view, its events, its log lines and its metrics.
import { effect, signal } from '@preact/signals';
import { ApiError, get, words } from '../api.ts';
import { life, reach, socketOpen } from '../connection.ts';
import { fromAnswer, hear, size, type Series } from '../series.ts';
import { isDispatched, isEnded } from '../status.ts';
import type { Event, EventPage, MetricAnswer, View } from '../wire.ts';
import { batched, repeat } from './frames.ts';
import { apply, merge, type Frame } from './merge.ts';
import { subscribe, type Heard } from './socket.ts';

/** A range of steps, both ends included. */
export type Range = readonly [number, number];

export interface Watched {
  phase: 'loading' | 'ready' | 'absent' | 'failed';
  problem: string;
  view: View | null;
  /** Whether the page has shown the operation since it began anew. */
  wasThere: boolean;
  /** All events except metrics and log lines, ascending by `seq`. */
  events: readonly Event[];
  /** The newest log lines, and the gaps in them. */
  lines: readonly Event[];
  series: Series;
  /** The steps to which the plot is zoomed in; null for all. */
  range: Range | null;
  /** The curves of these steps, when they have been read. */
  near: Series | null;
}

export interface One {
  state: { readonly value: Watched };
  learn: (view: View) => void;
  /** Reads again now. */
  refresh: () => void;
  /** Reads the curves of these steps at the resolution of the screen; null for all steps. */
  look: (range: Range | null) => void;
  close: () => void;
}

/** How many points of a metric are requested, and after how many more the curves are read again, thinned. */
const POINTS = 2_000;
const POINTS_HELD = 6_000;
const LINES_KEPT = 2_000;
/** How many pages of log lines are read. If there are more, the first and the last are read. */
const LINE_PAGES = 3;
const PAGE = 1_000;
const HAPPENED = 'submitted,status,resumed,restored,checkpoint,warning,gap';

export function watchOne(id: string): One {
  return new Watching(id);
}

class Watching implements One {
  readonly state = signal<Watched>({
    phase: 'loading', problem: '', view: null, wasThere: false, events: [], lines: [], series: new Map(), range: null, near: null,
  });
  private view: View | null = null;
  private phase: Watched['phase'] = 'loading';
  private problem = '';
  private wasThere = false;
  private events: Event[] = [];
  private lines: Event[] = [];
  private series: Series = new Map();
  private near: Watched['near'] = null;
  private range: Range | null = null;
  /** Events that arrive while curves are being read, to be added to them. */
  private readonly late = new Set<Event[]>();
  /** The era in which curves are being read; 0 when none are. */
  private readsCurves = 0;
  private wantsCurves = false;
  /** The `seq` of the last event that was taken in. */
  private seq = 0;
  private begun = false;
  private closed = false;
  private stale = false;
  /** Counts how often everything began anew. Answers to earlier requests are ignored. */
  private era = 1;
  private readonly draw = batched(() => this.show());
  private readonly loop: ReturnType<typeof repeat>;
  private readonly ends: (() => void)[] = [];
  private unsubscribe: () => void = () => undefined;

  constructor(private readonly id: string) {
    this.loop = repeat(() => this.read());
    let lives = life.value;
    this.ends.push(
      effect(() => {
        if (life.value === lives) return;
        lives = life.value;
        this.begin();
      }),
    );
  }

  private begin(): void {
    this.era++;
    this.unsubscribe();
    this.begun = false;
    this.phase = 'loading';
    this.view = null;
    this.wasThere = false;
    this.events = [];
    this.lines = [];
    this.series = new Map();
    this.near = null;
    this.seq = 0;
    this.loop.now();
  }

  /** The answer to a request, unless everything began anew since. */
  private async ask<T>(path: string): Promise<T> {
    const { era } = this;
    const answer = await get<T>(`/operations/${this.id}${path}`);
    if (this.closed || era !== this.era) throw new Overtaken();
    return answer;
  }

  /** Reads the view and the new events. Returns when to read again. */
  private async read(): Promise<number> {
    if (reach.value === 'gone') return 500;
    try {
      const view = await this.ask<View>('');
      this.view = merge(this.view ?? undefined, view);
      if (!this.begun) await this.all(view);
      else await this.since(view.seq);
      this.phase = 'ready';
      this.wasThere = true;
      this.stale = false;
    } catch (error) {
      if (error instanceof Overtaken) return 0;
      this.fail(error);
    }
    this.draw();
    return this.pace();
  }

  private fail(error: unknown): void {
    if (error instanceof ApiError && error.status === 404) {
      this.phase = 'absent';
      this.view = null;
    } else if (this.view === null) this.phase = 'failed';
    this.problem = words(error);
  }

  private pace(): number {
    if (this.view === null) return 2_000;
    if (socketOpen.value) return isEnded(this.view.status) ? 30_000 : 5_000;
    if (isDispatched(this.view.status)) return 300;
    return isEnded(this.view.status) ? 3_000 : 700;
  }

  /** Reads everything at the beginning: curves, all events, and the newest log lines. */
  private async all(view: View): Promise<void> {
    const [events, lines] = await Promise.all([this.happened(), this.written(view.seq), this.curves()]);
    [this.events, this.lines, this.seq] = [events, lines, view.seq];
    this.begun = true;
    this.unsubscribe = subscribe({ operation_id: this.id }, 100, this.seq, (frame) => this.hear(frame));
  }

  private async happened(): Promise<Event[]> {
    const events: Event[] = [];
    for (let since = 0; ; ) {
      const page = await this.ask<EventPage>(`/events?type=${HAPPENED}&since=${since}&limit=${PAGE}`);
      events.push(...page.events);
      since = page.next_since;
      if (page.events.length < PAGE) return events;
    }
  }

  private async written(end: number): Promise<Event[]> {
    const lines: Event[] = [];
    for (let since = 0, pages = 1; ; pages++) {
      const page = await this.ask<EventPage>(`/events?type=log,gap&since=${since}&limit=${PAGE}`);
      lines.push(...page.events);
      since = pages === LINE_PAGES ? Math.max(page.next_since, end - LINES_KEPT) : page.next_since;
      if (page.events.length < PAGE) return lines;
    }
  }

  private async since(seq: number): Promise<void> {
    while (this.seq < seq) {
      const page = await this.ask<EventPage>(`/events?since=${this.seq}&limit=${PAGE}`);
      for (const event of page.events) this.take(event);
      this.seq = Math.max(this.seq, page.next_since);
      if (page.events.length === 0) return;
    }
  }

  /** Reads the curves, only once at a time: all steps, and those of the zoom. */
  private async curves(): Promise<void> {
    this.wantsCurves = true;
    const { era } = this;
    if (this.readsCurves === era) return;
    this.readsCurves = era;
    try {
      while (this.wantsCurves) {
        this.wantsCurves = false;
        this.series = await this.curvesOf('');
        const { range } = this;
        const near = range && (await this.curvesOf(`&from_step=${range[0]}&to_step=${range[1]}`));
        if (range === this.range) this.near = near;
        else this.wantsCurves = true;
      }
    } finally {
      if (this.readsCurves === era) this.readsCurves = 0;
    }
  }

  /** The curves of a range, with the points that arrived since the request. */
  private async curvesOf(range: string): Promise<Series> {
    const late: Event[] = [];
    this.late.add(late);
    try {
      const series = fromAnswer(await this.ask<MetricAnswer>(`/metrics?max_points=${POINTS}${range}`));
      for (const event of late) hear(series, event);
      return series;
    } finally {
      this.late.delete(late);
    }
  }

  private curvesAgain(): void {
    void this.curves().then(() => this.draw(), () => undefined);
  }

  look(range: Range | null): void {
    if (range?.join() === this.range?.join()) return;
    this.range = range;
    this.near = null;
    if (range !== null) this.curvesAgain();
    this.draw();
  }

  private take(event: Event): void {
    if (event.seq <= this.seq) return;
    this.seq = event.seq;
    if (event.type === 'log' || event.type === 'gap') this.write(event);
    if (event.type !== 'log' && event.type !== 'metric') this.keep(event);
    if (event.type !== 'metric' && event.type !== 'restored') return;
    for (const late of this.late) late.push(event);
    if (this.near !== null) hear(this.near, event);
    // A new run may have made other points invalid. The server knows which.
    if (hear(this.series, event)) this.curvesAgain();
  }

  private keep(event: Event): void {
    if (event.seq > (this.events.at(-1)?.seq ?? 0)) this.events.push(event);
  }

  private write(event: Event): void {
    if (event.seq > (this.lines.at(-1)?.seq ?? 0)) this.lines.push(event);
    if (this.lines.length > 2 * LINES_KEPT) this.lines.splice(0, this.lines.length - LINES_KEPT);
  }

  private hear(frame: Heard): void {
    if (frame.type === 'error') {
      this.loop.now();
      return;
    }
    if (frame.type === 'snapshot') {
      if ('operation_id' in frame.data) this.view = merge(this.view ?? undefined, frame.data);
    } else this.change(frame);
    this.draw();
  }

  private change(frame: Frame): void {
    if (this.view !== null) this.view = apply(this.view, frame);
    if (frame.type === 'progress') return;
    this.take(frame as Event);
    // Some of the view is not in any event: result, warnings, what the operation waits for.
    if (frame.type !== 'metric' && frame.type !== 'log' && !this.stale) {
      this.stale = true;
      setTimeout(() => this.loop.now(), 150);
    }
  }

  private show(): void {
    if (this.closed) return;
    const { phase, problem, view, wasThere, range, near } = this;
    if (this.readsCurves === 0 && Math.max(size(this.series), near === null ? 0 : size(near)) > POINTS_HELD) this.curvesAgain();
    this.state.value = {
      phase, problem, view, wasThere, events: [...this.events], lines: [...this.lines], series: new Map(this.series),
      range, near: near && new Map(near),
    };
  }

  learn(view: View): void {
    this.view = merge(this.view ?? undefined, view);
    this.draw();
    this.loop.now();
  }

  refresh(): void {
    this.loop.now();
  }

  close(): void {
    this.closed = true;
    this.loop.stop();
    this.unsubscribe();
    for (const end of this.ends) end();
  }
}

/** The answer to a request is not needed any more. */
class Overtaken extends Error {}
