// The rows. Only visible ones are drawn, and none moves under the pointer.
import { Fragment, type JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { isTyping } from '../../app.tsx';
import { now, tick } from '../../clock.ts';
import { lastSeen, reach } from '../../connection.ts';
import type { List } from '../../feed.ts';
import { count, duration, span } from '../../format.ts';
import { ask } from '../../parts/asking.tsx';
import { Badge, Meter, OperationLink, tell } from '../../parts/basics.tsx';
import { dialogs } from '../../parts/dialog.tsx';
import { Sentence } from '../../parts/words.tsx';
import { go } from '../../route.ts';
import { elapsed, isDispatched, isEnded } from '../../status.ts';
import type { Row } from '../../wire.ts';
import { words } from '../../api.ts';
import { plain } from '../../words.ts';
import { doing } from './doing.ts';

type Ids = ReadonlySet<string>;
interface Props { list: List; picked: Ids; pick: (change: (ids: Ids) => Ids) => void; chosen: () => Row[] }

const WIDE = 44;
const NARROW = 96;
const BEYOND = 6;
const narrow = matchMedia('(max-width: 760px)');

function useSight(ref: { current: HTMLDivElement | null }): { top: number; height: number; row: number } {
  const [sight, setSight] = useState({ top: 0, height: 800, row: narrow.matches ? NARROW : WIDE });
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) return undefined;
    const look = (): void => setSight({ top: element.scrollTop, height: element.clientHeight, row: narrow.matches ? NARROW : WIDE });
    look();
    element.addEventListener('scroll', look, { passive: true });
    const observer = new ResizeObserver(look);
    observer.observe(element);
    return () => {
      element.removeEventListener('scroll', look);
      observer.disconnect();
    };
  }, []);
  return sight;
}

/** Whether the mouse is over the list. An open dialog covers the list, and while it is open, and until the
 * mouse is heard of again, it counts as where it was. */
function usePointed(frame: { current: HTMLDivElement | null }): boolean {
  const [pointed, setPointed] = useState(false);
  useEffect(() => {
    const say = (event: PointerEvent, over: EventTarget | null): void => {
      if (dialogs.value > 0) return;
      setPointed(event.pointerType === 'mouse' && over instanceof Node && frame.current?.contains(over) === true);
    };
    const over = (event: PointerEvent): void => say(event, event.target);
    const out = (event: PointerEvent): void => say(event, event.relatedTarget);
    addEventListener('pointerover', over);
    addEventListener('pointerout', out);
    return () => {
      removeEventListener('pointerover', over);
      removeEventListener('pointerout', out);
    };
  }, []);
  return pointed;
}

export function Table({ list, picked, pick, chosen }: Props): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const sight = useSight(box);
  const frame = useRef<HTMLDivElement>(null);
  const pointed = usePointed(frame);
  const [current, setCurrent] = useState<string | null>(null);
  const { shown, rows, waiting, older, total, exact } = list.state.value;
  const calm = !pointed && sight.top < 4 && current === null && dialogs.value === 0;
  useEffect(() => list.calm(calm), [calm, list]);
  useKeys({ list, picked, pick, chosen, current, setCurrent, box, rowHeight: sight.row });
  const first = Math.max(0, Math.floor(sight.top / sight.row) - BEYOND);
  const last = Math.min(shown.length, Math.ceil((sight.top + sight.height) / sight.row) + BEYOND);
  const every = shown.length > 0 && shown.every((id) => picked.has(id));
  const reveal = (): void => {
    setCurrent(null);
    list.reveal();
    box.current?.scrollTo({ top: 0 });
  };
  return (
    <div ref={frame} class={`table ${reach.value === 'gone' ? 'stale' : ''}`}>
      {waiting.length > 0 ? <button type="button" class="news" onClick={reveal}>↑ {count(waiting.length)} new</button> : null}
      <div class="scroll" ref={box} role="grid" tabIndex={0} aria-label="Operations" aria-rowcount={shown.length + 1} aria-multiselectable="true"
        aria-activedescendant={current === null ? undefined : `row-${current}`}
        onBlur={(event) => { if (!event.currentTarget.contains(event.relatedTarget as Node | null) && dialogs.value === 0) setCurrent(null); }}>
        <div class="row head" role="row" aria-rowindex={1}>
          <span role="columnheader"><input type="checkbox" aria-label="Select all that are shown" checked={every} onChange={() => pick(() => (every ? new Set() : new Set(shown)))} /></span>
          {['kind', 'status', 'progress', 'doing', 'took', 'ETA', 'run'].map((name) => <span key={name} role="columnheader" class={`c-${name}`}>{name}</span>)}
        </div>
        <div role="rowgroup" style={{ paddingTop: `${first * sight.row}px`, paddingBottom: `${Math.max(0, shown.length - last) * sight.row}px` }}>
          {shown.slice(first, last).map((id, index) => {
            const row = rows.get(id);
            return row === undefined ? null : (
              <Line key={id} row={row} index={first + index} isPicked={picked.has(id)} isCurrent={id === current} toggle={() => pick((ids) => toggled(ids, id))} />
            );
          })}
        </div>
      </div>
      <p class="foot muted">
        {count(shown.length)} of {exact ? '' : 'at least '}{count(total)}
        {older ? <button type="button" onClick={() => void list.more().catch((error: unknown) => tell(words(error), true))}>Show older</button> : null}
      </p>
    </div>
  );
}

function toggled(ids: Ids, id: string): Ids {
  const next = new Set(ids);
  if (!next.delete(id)) next.add(id);
  return next;
}

interface Keys extends Props {
  current: string | null;
  setCurrent: (id: string | null) => void;
  box: { current: HTMLDivElement | null };
  rowHeight: number;
}

function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey || dialogs.value > 0) return;
      if (act(event.key, event.target, latest.current)) event.preventDefault();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}

/** Handles a key. Returns whether it had a meaning here. */
function act(key: string, target: EventTarget | null, { list, pick, chosen, current, setCurrent, box, rowHeight }: Keys): boolean {
  const { shown, rows } = list.state.value;
  const row = current === null ? undefined : rows.get(current);
  const onControl = target instanceof HTMLElement && /^(A|BUTTON|INPUT)$/.test(target.tagName);
  switch (key) {
    case 'j':
    case 'k': {
      const at = current === null ? -1 : shown.indexOf(current);
      const next = Math.min(shown.length - 1, Math.max(0, at + (key === 'j' ? 1 : -1)));
      setCurrent(shown[next] ?? null);
      box.current?.focus({ preventScroll: true });
      keepInSight(box.current, next, rowHeight);
      return true;
    }
    case 'Enter':
      if (row === undefined || onControl) return false;
      go(['operations', row.operation_id]);
      return true;
    case 'x':
      if (row !== undefined) pick((ids) => toggled(ids, row.operation_id));
      return row !== undefined;
    case 'c': {
      const isMany = chosen().length > 0;
      if (!isMany && row === undefined) return false;
      const meant = (): Row[] => (isMany ? chosen() : [list.state.value.rows.get(current!) ?? []].flat());
      ask('cancel', meant, (refused) => pick(() => new Set(refused)));
      return true;
    }
    default:
      return false;
  }
}

/** Scrolls a row into view, and not under the head of the table. */
function keepInSight(box: HTMLDivElement | null, index: number, height: number): void {
  if (box === null) return;
  const head = box.querySelector<HTMLElement>('.head')?.offsetHeight ?? 0;
  const top = index * height;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + height + head > box.scrollTop + box.clientHeight) box.scrollTop = top + height + head - box.clientHeight;
}

function Line({ row, index, isPicked, isCurrent, toggle }: { row: Row; index: number; isPicked: boolean; isCurrent: boolean; toggle: () => void }): JSX.Element {
  void tick.value;
  const { operation_id: id, progress, kind } = row;
  const here = reach.value !== 'gone';
  const what = doing(row, now());
  const labels = Object.entries(row.labels);
  const eta = isDispatched(row.status) && here && progress?.eta_seconds != null ? `~${span(progress.eta_seconds)}` : '';
  return (
    <div class={`row ${isCurrent ? 'current' : ''}`} role="row" id={`row-${id}`} aria-rowindex={index + 2} aria-selected={isPicked}>
      <span role="gridcell" class="c-pick"><input type="checkbox" aria-label={`Select ${kind} ${id.slice(-8)}`} checked={isPicked} onChange={toggle} /></span>
      <span role="gridcell" class="c-kind" title={labels.map(([key, value]) => `${key}: ${value}`).join('\n')}>
        <bdi class="kind">{kind}</bdi> <OperationLink id={id} />
        {labels.length > 0 ? <span class="label text">{labels.map(([key, value]) => <Fragment key={key}><bdi>{key}={value}</bdi> </Fragment>)}</span> : null}
      </span>
      <span role="gridcell" class="c-status"><Badge row={row} /></span>
      <span role="gridcell" class="c-progress">{progress === null ? null : <Meter value={progress.percentage} status={row.status} label={`Progress of ${id.slice(-8)}`} />}</span>
      <span role="gridcell" class="c-doing text" title={plain(what)}><Sentence of={what} /></span>
      <span role="gridcell" class="c-took">{row.run === 0 ? '' : isEnded(row.status) ? span(row.elapsed_seconds) : duration(elapsed(row, lastSeen()))}</span>
      <span role="gridcell" class="c-ETA">{eta}</span>
      <span role="gridcell" class="c-run">{row.run > 0 ? row.run : ''}</span>
    </div>
  );
}
