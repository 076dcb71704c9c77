// Market data: the datasets, and the prices of one.
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { get, words } from '../api.ts';
import { home } from '../base.ts';
import { upTo } from '../commands.ts';
import type { Range } from '../feed.ts';
import { hasKind } from '../feed/kinds.ts';
import { bytes, count, exact, instants, moment } from '../format.ts';
import { Copy, Empty, Panel, Problem } from '../parts/basics.tsx';
import { Delete } from '../parts/deleting.tsx';
import { Plot } from '../parts/plot.tsx';
import { useRead } from '../read.ts';
import { dataset as pathOf, go, href } from '../route.ts';
import type { Bar, Dataset } from '../wire.ts';

/** The most bars that are read, the newest ones: more than a screen has columns for. */
const MOST = 20_000;
const PAGE = 10_000;

export function Data({ of }: { of: string[] }): JSX.Element {
  const { got, problem } = useRead<{ datasets: Dataset[] }>('/data', 'data_load');
  const first = useRef<string[]>([]);
  if (problem !== null) return <Problem text={words(problem)} />;
  if (got === null) return <p class="muted loading">Asking the server…</p>;
  const list = got.datasets;
  // If no dataset was chosen, the first shown one stays as long as it is there, whatever is loaded meanwhile.
  const has = ([symbol, timeframe]: string[]): boolean => list.some((one) => one.symbol === symbol && one.timeframe === timeframe);
  if (!has(first.current)) first.current = list[0] === undefined ? [] : [list[0].symbol, list[0].timeframe];
  const wanted = of.length > 0 ? of : first.current;
  if (wanted.length === 0) return <Nothing />;
  const [symbol, timeframe] = wanted;
  const chosen = list.find((one) => one.symbol === symbol && one.timeframe === timeframe);
  return (
    <div class="data">
      <h1>Data</h1>
      {list.length === 0 ? null : <Datasets list={list} chosen={chosen} />}
      {chosen === undefined ? <Absent name={wanted.join(' ')} of={wanted} />
        // A dataset that was loaded again is drawn again.
        : <Prices key={`${chosen.symbol} ${chosen.timeframe} ${chosen.sha256} ${chosen.loaded_at}`} dataset={chosen} />}
    </div>
  );
}

function Datasets({ list, chosen }: { list: Dataset[]; chosen: Dataset | undefined }): JSX.Element {
  const seconds = (time: string): number => Date.parse(time) / 1_000;
  const instant = instants(list.flatMap((one) => [seconds(one.start), seconds(one.end)]));
  return (
    <div class="wide-table" tabIndex={0} role="region" aria-label="Datasets">
      <table>
        <thead><tr><th>symbol</th><th>timeframe</th><th class="right">bars</th><th class="right" title="places where bars are missing though the market was open">holes</th><th>from</th><th>to</th><th class="right">size</th><th>loaded</th><th>source</th></tr></thead>
        <tbody>
          {list.map((one) => (
            <tr key={`${one.symbol} ${one.timeframe}`} class={one === chosen ? 'current' : ''}>
              <td><a href={href(['data', one.symbol, one.timeframe])} aria-current={one === chosen ? 'true' : undefined}><bdi>{one.symbol}</bdi></a></td>
              <td>{one.timeframe}</td><td class="right">{count(one.rows)}</td><td class="right">{one.holes === null ? '' : count(one.holes)}</td><td>{instant(seconds(one.start))}</td><td>{instant(seconds(one.end))}</td>
              <td class="right">{bytes(one.bytes)}</td><td>{moment(one.loaded_at)}</td><td class="text"><bdi>{one.source}</bdi></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Absent({ name, of: [symbol = '', timeframe = ''] }: { name: string; of: string[] }): JSX.Element {
  return (
    <Empty title="There is no such dataset">
      <p>The server has no bars of <b><bdi>{name}</bdi></b>. It is shown here as soon as they are loaded:</p>
      <p><a href={href(['start'], { kind: 'data_load', symbol, timeframe })}>start a load of it</a></p>
    </Empty>
  );
}

function Nothing(): JSX.Element {
  return (
    <Empty title="No data yet">
      <p>Bars come from CSV files in the server's import folder (<code>data.import_dir</code>), one dataset for each symbol and timeframe:</p>
      <pre>impresario data load GOOG --timeframe 1d</pre>
      <p>or <a href={href(['start'], { kind: 'data_load' })}>start a load here</a>.</p>
    </Empty>
  );
}

/** Reads all pages, and keeps the newest bars. */
async function read(dataset: Dataset, stopped: () => boolean): Promise<Bar[]> {
  const path = pathOf(dataset);
  let bars: Bar[] = [];
  let start: string | null = null;
  do {
    const from: string = start === null ? '' : `&start=${encodeURIComponent(start)}`;
    const page: { bars: Bar[]; next_start: string | null } = await get(`${path}?limit=${PAGE}${from}`);
    bars = [...bars, ...page.bars].slice(-MOST);
    start = page.next_start;
  } while (start !== null && !stopped());
  return bars;
}

/** How the bars are seen that the page leaves out. */
function Older({ dataset, first, shown }: { dataset: Dataset; first: Bar; shown: number }): JSX.Element {
  const command = upTo(home, dataset, first.timestamp);
  return (
    <p class="muted">
      The newest {count(shown)} of {count(dataset.rows)} bars. The terminal shows the older ones, and with <code>--limit</code> as many of them as you say: <code>{command}</code> <Copy text={command} label="copy" />
    </p>
  );
}

function Prices({ dataset }: { dataset: Dataset }): JSX.Element {
  const [bars, setBars] = useState<Bar[] | null>(null);
  const [problem, setProblem] = useState('');
  const [candles, setCandles] = useState(true);
  useEffect(() => {
    let gone = false;
    read(dataset, () => gone).then((all) => { if (!gone) setBars(all); }, (error: unknown) => { if (!gone) setProblem(words(error)); });
    return () => { gone = true; };
  }, []);
  const [range, zoom] = useState<Range | null>(null);
  const drawn = useMemo(() => {
    const all = bars ?? [];
    return {
      price: exact(all.flatMap((bar) => [bar.open, bar.high, bar.low, bar.close])),
      amount: exact(all.map((bar) => bar.volume)),
      x: all.map((bar) => Date.parse(bar.timestamp) / 1_000),
      close: [{ name: 'close', values: all.map((bar) => bar.close) }],
      candles: (['open', 'high', 'low', 'close'] as const).map((name) => ({ name, values: all.map((bar) => bar[name]), unseen: true })),
      volume: [{ name: 'volume', values: all.map((bar) => bar.volume), bars: all.length < 1_000 }],
    };
  }, [bars]);
  const extra = (
    <span class="beside">
      {hasKind('training') ? <a href={href(['start'], { kind: 'training', symbol: dataset.symbol, timeframe: dataset.timeframe })}>train on it</a> : null}{' '}
      <Delete path={pathOf(dataset)} name={`${dataset.symbol} ${dataset.timeframe}`} done={() => go(['data'])} />
    </span>
  );
  return (
    <Panel title={`${dataset.symbol} ${dataset.timeframe}`} extra={extra}>
      {problem === '' ? null : <Problem text={problem} />}
      {bars === null ? (problem === '' ? <p class="muted">Reading {count(dataset.rows)} bars…</p> : null) : (
        <>
          {bars[0] !== undefined && bars.length < dataset.rows ? <Older dataset={dataset} first={bars[0]} shown={bars.length} /> : null}
          <p class="drawn-as" role="group" aria-label="How prices are drawn">
            <button type="button" aria-pressed={candles} onClick={() => setCandles(true)}>candles</button>{' '}
            <button type="button" aria-pressed={!candles} onClick={() => setCandles(false)}>line</button>
          </p>
          <Plot label={`${candles ? 'prices' : 'close'} of ${dataset.symbol}`} x={drawn.x} curves={candles ? drawn.candles : drawn.close} candles={candles} time height={320} together="prices" format={drawn.price} range={range} zoom={zoom} />
          <Plot label={`volume of ${dataset.symbol}`} x={drawn.x} curves={drawn.volume} time height={140} together="prices" format={drawn.amount} range={range} zoom={zoom} />
          <p class="muted small">Drag over a plot to look closer; a double click shows all. Times are UTC.</p>
        </>
      )}
    </Panel>
  );
}
