// The report of a load: what the file was read as, what became of its rows, and what is remarkable.
import type { ComponentChildren, JSX } from 'preact';
import { areDays, count, exact, instants } from '../format.ts';
import { ends, readAs, rowsTold, type Loaded } from '../quality.ts';
import type { Bar, QualityPlace, QualityReport, QualityWarning } from '../wire.ts';
import { Value } from './value.tsx';

/** `children` is shown beside what the file was read as. */
export function Report({ report, children = null }: { report: QualityReport; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="report">
      <Remarkable warnings={report.warnings} />
      <div class="parts">
        {children}
        <section><h3>Read as</h3><Value value={readAs(report)} /></section>
        <section><h3>Rows</h3><ul class="scalar">{rowsTold(report.rows).map((one) => <li key={one}>{one}</li>)}</ul></section>
      </div>
    </div>
  );
}

/** The warnings of a report, each with its first places. */
export function Remarkable({ warnings }: { warnings: readonly QualityWarning[] }): JSX.Element | null {
  if (warnings.length === 0) return <p class="muted">Nothing is remarkable about the bars.</p>;
  return (
    <ul class="remarkable" aria-label="Warnings">
      {warnings.map((one) => (
        <li key={one.code}>
          <p><span class="sign" aria-hidden="true">!</span> <b class="code"><bdi>{one.code}</bdi></b> <bdi class="text">{one.message}</bdi></p>
          {one.places.length === 0 ? null : <Places of={one} />}
        </li>
      ))}
    </ul>
  );
}

function Places({ of }: { of: QualityWarning }): JSX.Element {
  const { places } = of;
  const at = instants(seconds(places));
  const all = of.count > places.length ? `the first ${count(places.length)} of ${count(of.count)} places` : `${count(places.length)} ${places.length === 1 ? 'place' : 'places'}`;
  return (
    <details open={places.length <= 3}>
      <summary class="muted">{all}</summary>
      <ul>{places.map((one, index) => <li key={index}><span class="muted">{where(one, at)}</span> <bdi class="text">{one.text}</bdi></li>)}</ul>
    </details>
  );
}

function seconds(places: readonly QualityPlace[]): number[] {
  return places.flatMap((one) => (one.time == null ? [] : [Date.parse(one.time) / 1_000]));
}

function where({ line, time }: QualityPlace, at: (time: number) => string): string {
  const parts = [line == null ? '' : `line ${count(line)}`, time == null ? '' : at(Date.parse(time) / 1_000)];
  return parts.filter((part) => part !== '').join(', ');
}

/** The first and the last bars of a load. */
export function Ends({ of }: { of: Pick<Loaded, 'symbol' | 'first' | 'last' | 'rows'> }): JSX.Element | null {
  const { first, between, last } = ends(of);
  const bars = [...first, ...last];
  if (bars.length === 0) return null;
  const time = instants(bars.map((bar) => Date.parse(bar.timestamp) / 1_000));
  const zone = areDays(bars.map((bar) => Date.parse(bar.timestamp) / 1_000)) ? '' : ' (UTC)';
  const price = exact(bars.flatMap((bar) => [bar.open, bar.high, bar.low, bar.close]));
  const amount = exact(bars.map((bar) => bar.volume));
  const row = (bar: Bar): JSX.Element => (
    <tr key={bar.timestamp}>
      <td>{time(Date.parse(bar.timestamp) / 1_000)}</td>
      {([bar.open, bar.high, bar.low, bar.close]).map((value, index) => <td key={index} class="right">{price(value)}</td>)}
      <td class="right">{amount(bar.volume)}</td>
    </tr>
  );
  return (
    <div class="wide-table ends" tabIndex={0} role="region" aria-label="First and last bars">
      <table>
        <thead><tr><th>time{zone}</th><th class="right">open</th><th class="right">high</th><th class="right">low</th><th class="right">close</th><th class="right">volume</th></tr></thead>
        <tbody>
          {first.map(row)}
          {between === 0 ? null : <tr><td colSpan={6} class="muted">… {count(between)} more bars …</td></tr>}
          {last.map(row)}
        </tbody>
      </table>
    </div>
  );
}
