// A live list of operations: it is read, and kept up to date by the socket or, if there is none, by polling.
import { effect, signal } from '@preact/signals';
import { ApiError, get, words } from '../api.ts';
import { life, reach, socketOpen } from '../connection.ts';
import { isEnded } from '../status.ts';
import type { Page, Row } from '../wire.ts';
import { batched, repeat } from './frames.ts';
import { apply, arrange, born, matches, merge, type Filter, type Frame } from './merge.ts';
import { subscribe, type Heard } from './socket.ts';

export interface Listed {
  phase: 'loading' | 'ready' | 'failed';
  problem: string;
  rows: ReadonlyMap<string, Row>;
  /** The ids of the shown rows, in order. */
  shown: readonly string[];
  /** The ids of new or newly fitting rows, which are shown when nobody uses the list or when somebody asks. */
  waiting: readonly string[];
  older: boolean;
  total: number;
  exact: boolean;
  active: number;
}

/** A list that follows the server until it is closed. */
export interface List {
  state: { readonly value: Listed };
  /** Sets whether rows may move: nobody points at them, and the first is visible. */
  calm: (is: boolean) => void;
  /** Shows the waiting rows. */
  reveal: () => void;
  more: () => Promise<void>;
  /** Reads again now, because a verb was just sent. */
  refresh: () => void;
  /** Takes in the answer to a verb. */
  learn: (row: Row) => void;
  close: () => void;
}

const PAGE = 100;
/** The most rows of one answer. */
const MOST = 1_000;
const KEPT = 20_000;
const START: Listed = {
  phase: 'loading', problem: '', rows: new Map(), shown: [], waiting: [], older: false, total: 0, exact: true, active: 0,
};

export function watchList(filter: Filter): List {
  const list = new Following(filter);
  return list;
}

class Following implements List {
  readonly state = signal<Listed>(START);
  private rows = new Map<string, { row: Row; at: number }>();
  private page: Omit<Listed, 'rows' | 'shown' | 'waiting'> = START;
  private cursor: string | null = null;
  private pages = 1;
  private isCalm = true;
  private readsMore = false;
  private closed = false;
  /** Counts how often the list began anew. Answers to earlier requests are ignored. */
  private era = 0;
  private readonly draw = batched(() => this.show(this.isCalm));
  private readonly loop: ReturnType<typeof repeat>;
  private readonly ends: (() => void)[] = [];

  constructor(private readonly filter: Filter) {
    this.loop = repeat(() => this.read());
    const kinds = filter.kind.length > 0 ? { kind: filter.kind } : {};
    this.ends.push(subscribe({ filter: kinds }, 200, undefined, (frame) => this.hear(frame)));
    let lives = life.value;
    this.ends.push(
      effect(() => {
        if (life.value === lives) return;
        lives = life.value;
        this.begin();
      }),
    );
  }

  /** Begins anew, because the server may have restarted. */
  private begin(): void {
    this.era++;
    this.rows.clear();
    this.pages = 1;
    this.loop.now();
  }

  private async read(): Promise<number> {
    if (reach.value === 'gone') return 500;
    const askedAt = Date.now();
    const { era } = this;
    try {
      const limit = Math.min(MOST, this.pages * PAGE);
      const page = await get<Page>(`/operations?${this.query(limit)}`);
      if (this.closed || era !== this.era) return 0;
      this.take(page, askedAt, limit);
      await this.missing(page, askedAt);
    } catch (error) {
      if (this.rows.size === 0) this.page = { ...this.page, phase: 'failed', problem: words(error) };
      this.draw();
    }
    if (socketOpen.value) return 5_000;
    return this.rows.size > 300 ? 1_500 : 700;
  }

  private query(limit: number, cursor?: string): string {
    const { status, kind, q, active } = this.filter;
    const query = new URLSearchParams({ limit: String(limit) });
    if (status.length > 0) query.set('status', status.join(','));
    if (kind.length > 0) query.set('kind', kind.join(','));
    if (active) query.set('active_only', 'true');
    if (q.trim() !== '') query.set('q', q.trim());
    if (cursor !== undefined) query.set('cursor', cursor);
    return query.toString();
  }

  private take(page: Page, at: number, limit: number): void {
    for (const row of page.operations) this.put(row, at);
    // If there are more rows than one answer may have, or more were requested meanwhile, reading goes on after
    // the last page.
    const isWhole = limit === this.pages * PAGE;
    if (isWhole || this.cursor === null) this.cursor = page.next_cursor;
    this.page = {
      phase: 'ready',
      problem: '',
      older: this.cursor !== null,
      total: page.total_count,
      exact: page.total_is_exact,
      active: page.active_count,
    };
    // The first rows are drawn without waiting for a frame, but not in the task that reads them.
    if (this.state.value.phase === 'ready') this.draw();
    else setTimeout(() => this.show(true));
  }

  private put(row: Row, at: number): void {
    const held = this.rows.get(row.operation_id)?.row;
    this.rows.set(row.operation_id, { row: merge(held, row), at });
  }

  /** Reads rows that should have been in the answer and were not: they do not fit any more, or were removed. */
  private async missing(page: Page, askedAt: number): Promise<void> {
    const last = page.next_cursor === null ? '' : (page.operations.at(-1)?.operation_id ?? '');
    const answered = new Set(page.operations.map((row) => row.operation_id));
    const doubtful = [...this.rows].filter(
      ([id, held]) => id >= last && !answered.has(id) && held.at < askedAt && matches(this.filter, held.row),
    );
    // There are too many to read each, and they can be found again.
    for (const [id] of doubtful.splice(20)) this.rows.delete(id);
    await Promise.all(doubtful.map(([id]) => this.find(id)));
    this.draw();
  }

  private async find(id: string): Promise<void> {
    const { era } = this;
    try {
      const row = await get<Row>(`/operations/${id}`);
      if (era === this.era) this.put(row, Date.now());
    } catch (error) {
      if (era === this.era && error instanceof ApiError && error.status === 404) this.rows.delete(id);
    }
  }

  private hear(frame: Heard): void {
    if (frame.type === 'error') return;
    const at = Date.now();
    if (frame.type === 'snapshot') {
      if ('operations' in frame.data) for (const row of frame.data.operations) this.put(row, at);
    } else this.change(frame, at);
    this.draw();
  }

  private change(frame: Frame, at: number): void {
    const held = this.rows.get(frame.operation_id);
    const row = held === undefined ? born(frame) : apply(held.row, frame);
    if (row !== null) this.rows.set(frame.operation_id, { row, at });
  }

  /** Forgets rows that are not shown, because a page that stays open for days hears of very many. */
  private forget(): void {
    if (this.rows.size < KEPT) return;
    const shown = new Set(this.state.value.shown);
    for (const [id, held] of this.rows) if (!shown.has(id) && isEnded(held.row.status)) this.rows.delete(id);
  }

  private show(calm: boolean): void {
    if (this.closed) return;
    this.forget();
    const rows = new Map([...this.rows].map(([id, held]) => [id, held.row]));
    const { shown, waiting } = arrange(this.state.value.shown, rows, this.filter, calm);
    this.state.value = { ...this.page, rows, shown, waiting };
  }

  calm(is: boolean): void {
    if (is === this.isCalm) return;
    this.isCalm = is;
    if (is) this.draw();
  }

  reveal(): void {
    this.show(true);
  }

  async more(): Promise<void> {
    // A second click while the page is being read has no effect.
    if (this.cursor === null || this.readsMore) return;
    const { era } = this;
    this.readsMore = true;
    try {
      const page = await get<Page>(`/operations?${this.query(PAGE, this.cursor)}`);
      if (era !== this.era) return;
      const at = Date.now();
      this.pages++;
      this.cursor = page.next_cursor;
      for (const row of page.operations) this.put(row, at);
      this.page = { ...this.page, older: this.cursor !== null };
      this.draw();
    } finally {
      this.readsMore = false;
    }
  }

  refresh(): void {
    this.loop.now();
  }

  learn(row: Row): void {
    this.put(row, Date.now());
    this.draw();
  }

  close(): void {
    this.closed = true;
    this.loop.stop();
    for (const end of this.ends) end();
  }
}
