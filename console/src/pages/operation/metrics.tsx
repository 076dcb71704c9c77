// Curves of what the function measured, those that belong together on one plot.
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { measure } from '../../format.ts';
import { Panel } from '../../parts/basics.tsx';
import { Plot } from '../../parts/plot.tsx';
import { best, grouped, marks, table, type Series } from '../../series.ts';
import type { Event } from '../../wire.ts';

interface Props { series: Series; events: readonly Event[]; outermost: string | undefined; running: boolean }

export function Metrics({ series, events, outermost, running }: Props): JSX.Element {
  const [log, setLog] = useState(false);
  const found = useMemo(() => marks(events, outermost), [events, outermost]);
  const plots = grouped([...series.keys()].sort());
  const extra = plots.length === 0 ? null : (
    <label class="check"><input type="checkbox" checked={log} onChange={(event) => setLog(event.currentTarget.checked)} /> log scale</label>
  );
  return (
    <Panel title="Metrics" extra={extra}>
      {plots.length === 0 ? <p class="muted">{running ? 'None yet. ' : 'None. '}A function reports one with <code>ctx.metric(name, step, value)</code>.</p> : null}
      {plots.map(({ title, names }) => <Curves key={title} title={title} names={names} series={series} log={log} marks={found} />)}
      {plots.length > 0 && found.length > 0 ? <p class="muted small">▪ checkpoint &nbsp; ┆ a run that went on from one</p> : null}
    </Panel>
  );
}

function Curves({ title, names, series, log, marks: found }: { title: string; names: string[]; series: Series; log: boolean; marks: ReturnType<typeof marks> }): JSX.Element {
  const { steps, columns } = useMemo(() => table(series, names), [series, names.join()]);
  const curves = useMemo(() => names.map((name, index) => ({ name, values: columns[index]! })), [columns]);
  const bests = names.flatMap((name) => {
    const point = best(name, series.get(name) ?? []);
    return point === null ? [] : [`best ${name} ${measure(point.value)} @ ${point.step}`];
  });
  return (
    <figure>
      <figcaption><b>{title.replaceAll('_', ' ')}</b> <span class="muted">{bests.join(' · ')}</span></figcaption>
      <Plot label={title} x={steps} curves={curves} marks={found} log={log} together="metrics" />
    </figure>
  );
}
