// The curves of metrics; related ones are on one plot.
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { Range, Watched } from '../../feed.ts';
import { count, measure } from '../../format.ts';
import { Panel } from '../../parts/basics.tsx';
import { Plot } from '../../parts/plot.tsx';
import { best, grouped, marks, table, type Mark, type Series } from '../../series.ts';

interface Props {
  watched: Watched;
  look: (range: Range | null) => void;
  outermost: string | undefined;
  running: boolean;
}

export function Metrics({ watched: { series, range, near, events }, look, outermost, running }: Props): JSX.Element {
  const [log, setLog] = useState(false);
  const found = useMemo(() => marks(events, outermost), [events, outermost]);
  const plots = grouped([...series.keys()].sort());
  const zoom = (to: Range | null): void => {
    // Steps are whole numbers.
    look(to && [Math.max(0, Math.floor(to[0])), Math.ceil(to[1])]);
  };
  // Until the curves of the range have been read, those of all steps are shown.
  const drawn = near ?? series;
  const extra = plots.length === 0 ? null : (
    <>
      {range === null ? null : <button type="button" class="quiet" onClick={() => zoom(null)}>steps {count(range[0])} to {count(range[1])}: show all</button>}
      <label class="check"><input type="checkbox" checked={log} onChange={(event) => setLog(event.currentTarget.checked)} /> log scale</label>
    </>
  );
  return (
    <Panel title="Metrics" extra={extra} name="metrics">
      {plots.length === 0 ? <p class="muted">{running ? 'None yet. ' : 'None. '}A function reports one with <code>ctx.metric(name, step, value)</code>.</p> : null}
      {plots.map(({ title, names }) => <Curves key={title} title={title} names={names} all={series} drawn={drawn} log={log} marks={found} range={range} zoom={zoom} />)}
      {plots.length > 0 ? <p class="muted small">Drag over a plot to look closer; a double click shows all.{found.length > 0 ? ' ▪ checkpoint   ┆ a run that went on from one' : ''}</p> : null}
    </Panel>
  );
}

interface CurvesProps {
  title: string;
  names: string[];
  all: Series;
  drawn: Series;
  log: boolean;
  marks: Mark[];
  range: Range | null;
  zoom: (range: Range | null) => void;
}

function Curves({ title, names, all, drawn, log, marks: found, range, zoom }: CurvesProps): JSX.Element {
  const { steps, columns } = useMemo(() => table(drawn, names), [drawn, names.join()]);
  const curves = useMemo(() => names.map((name, index) => ({ name, values: columns[index]! })), [columns]);
  const bests = names.flatMap((name) => {
    const measured = all.get(name);
    const point = measured === undefined ? null : best(name, measured);
    return point === null ? [] : [`best ${name} ${measure(point.value)} @ ${point.step}`];
  });
  return (
    <figure>
      <figcaption><b><bdi>{title.replaceAll('_', ' ')}</bdi></b> <bdi class="muted">{bests.join(' · ')}</bdi></figcaption>
      <Plot label={title} x={steps} curves={curves} marks={found} log={log} together="metrics" range={range} zoom={zoom} />
    </figure>
  );
}
