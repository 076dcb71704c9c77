// One operation, live: its view, what happened to it, and its metrics.
import { effect, signal } from '@preact/signals';
import { ApiError, get, words } from '../api.ts';
import { life, reach, socketOpen } from '../connection.ts';
import { add, cut, fromAnswer, size, type Series } from '../series.ts';
import { isDispatched, isEnded } from '../status.ts';
import type { Event, EventPage, MetricPoint, View } from '../wire.ts';
import { batched, repeat } from './frames.ts';
import { apply, merge, type Frame } from './merge.ts';
import { subscribe, type Heard } from './socket.ts';

export interface Watched {
  phase: 'loading' | 'ready' | 'absent' | 'failed';
  problem: string;
  view: View | null;
  /** All but metrics, ascending by `seq`; the newest of very many. */
  events: readonly Event[];
  /** How many of the first are left out. */
  leftOut: number;
  series: Series;
}

export interface One {
  state: { readonly value: Watched };
  learn: (view: View) => void;
  close: () => void;
}

/** Points of a metric that are asked for, and those after which it is asked again, thinned. */
const POINTS = 2_000;
const POINTS_HELD = 6_000;
/** Events that are read of one with very many: the first page, and these at its end. */
const TAIL = 3_000;
const KEPT = 5_000;
const PAGE = 1_000;

export function watchOne(id: string): One {
  return new Watching(id);
}

class Watching implements One {
  readonly state = signal<Watched>({
    phase: 'loading', problem: '', view: null, events: [], leftOut: 0, series: new Map(),
  });
  private view: View | null = null;
  private phase: Watched['phase'] = 'loading';
  private problem = '';
  private events: Event[] = [];
  private series: Series = new Map();
  private leftOut = 0;
  /** The last event that was taken. */
  private seq = 0;
  private begun = false;
  private closed = false;
  private stale = false;
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
    this.begun = false;
    this.phase = 'loading';
    this.view = null;
    this.leftOut = 0;
    this.events = [];
    this.series = new Map();
    this.seq = 0;
    this.loop.now();
  }

  /** Reads the view and what happened since; says when to read again. */
  private async read(): Promise<number> {
    if (reach.value === 'gone') return 500;
    try {
      const view = await get<View>(`/operations/${this.id}`);
      if (this.closed) return 0;
      this.view = merge(this.view ?? undefined, view);
      if (!this.begun) await this.all(view);
      else await this.since(view.seq);
      this.phase = 'ready';
      this.stale = false;
    } catch (error) {
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

  /** What there is at first: all of it, or of very much the beginning and the end. */
  private async all(view: View): Promise<void> {
    await this.metrics();
    await this.page(0);
    if (view.seq - this.seq > TAIL) {
      this.leftOut = view.seq - TAIL - this.seq;
      this.seq = view.seq - TAIL;
    }
    await this.since(view.seq);
    this.begun = true;
    this.unsubscribe();
    if (this.closed) return;
    this.unsubscribe = subscribe({ operation_id: this.id }, 100, this.seq, (frame) => this.hear(frame));
  }

  private async since(seq: number): Promise<void> {
    while (this.seq < seq && !this.closed) if (!(await this.page(this.seq))) return;
  }

  /** Whether there was something. */
  private async page(since: number): Promise<boolean> {
    const page = await get<EventPage>(`/operations/${this.id}/events?since=${since}&limit=${PAGE}`);
    for (const event of page.events) this.take(event);
    this.seq = Math.max(this.seq, page.next_since);
    return page.events.length > 0;
  }

  private async metrics(): Promise<void> {
    const { series } = await get<{ series: Record<string, MetricPoint[]> }>(
      `/operations/${this.id}/metrics?max_points=${POINTS}`,
    );
    this.series = fromAnswer(series);
  }

  private take(event: Event): void {
    if (event.seq <= this.seq) return;
    this.seq = event.seq;
    if (event.type === 'metric') add(this.series, event.data);
    else this.events.push(event);
    if (event.type === 'restored') cut(this.series, event.data.metrics, event.data.run);
    if (this.events.length > KEPT) this.leftOut += this.events.splice(1, this.events.length - KEPT).length;
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
    // Some of the view is in no event: result, warnings, what it waits for.
    if (frame.type !== 'metric' && frame.type !== 'log' && !this.stale) {
      this.stale = true;
      setTimeout(() => this.loop.now(), 150);
    }
  }

  private show(): void {
    if (this.closed) return;
    if (size(this.series) > POINTS_HELD) {
      void this.metrics().catch(() => undefined);
    }
    const { phase, problem, view, leftOut } = this;
    this.state.value = {
      phase, problem, view, leftOut, events: [...this.events], series: new Map(this.series),
    };
  }

  learn(view: View): void {
    this.view = merge(this.view ?? undefined, view);
    this.draw();
    this.loop.now();
  }

  close(): void {
    this.closed = true;
    this.loop.stop();
    this.unsubscribe();
    for (const end of this.ends) end();
  }
}
