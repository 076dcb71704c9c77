// Models: the scores of each beside its baselines, and its training.
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { post, words } from '../api.ts';
import { reach } from '../connection.ts';
import type { Range } from '../feed.ts';
import { bytes, count, measure, moment, period, share, short } from '../format.ts';
import { course, machine } from '../origin.ts';
import { Copy, Empty, OperationLink, Panel, Problem, tell } from '../parts/basics.tsx';
import { Delete } from '../parts/deleting.tsx';
import { Plot } from '../parts/plot.tsx';
import { Value } from '../parts/value.tsx';
import { useRead } from '../read.ts';
import { go, href } from '../route.ts';
import type { ModelCard, ModelData, ModelRow, TestReport } from '../wire.ts';

export function Models(): JSX.Element {
  const { got, problem } = useRead<{ models: ModelRow[] }>('/models', 'training');
  if (problem !== null) return <Problem text={words(problem)} />;
  if (got === null) return <p class="muted loading">Asking the server…</p>;
  if (got.models.length === 0) {
    return (
      <Empty title="No models yet">
        <p>A training that ends leaves one, judged on bars that it has not seen:</p>
        <pre>impresario train GOOG --timeframe 1d</pre>
        <p>or <a href={href(['start'], { kind: 'training' })}>start a training here</a>.</p>
      </Empty>
    );
  }
  return (
    <div class="models">
      <h1>Models</h1>
      <div class="wide-table" tabIndex={0} role="region" aria-label="Models">
        <table>
          <thead><tr><th>model</th><th>data</th><th class="right">accuracy</th><th class="right">majority class</th><th class="right">last direction</th><th>verdict</th><th class="right">best epoch</th><th>made</th></tr></thead>
          <tbody>
            {got.models.map((one) => (
              <tr key={one.model_id}>
                <td><a class="id" href={href(['models', one.model_id])}>{short(one.model_id)}</a></td>
                <td><bdi>{one.symbol}</bdi> {one.timeframe}</td>
                <td class="right"><b>{share(one.test.model.accuracy)}</b></td>
                <td class="right">{share(one.test.baselines.majority_class.accuracy)}</td>
                <td class="right">{share(one.test.baselines.last_direction.accuracy)}</td>
                <td>{verdict(one.test)}</td>
                <td class="right">{count(one.best_epoch)} of {count(one.epochs_run)}</td>
                <td>{moment(one.created_at)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

/** The comparison with the baselines in words, because the accuracy alone says little. */
function verdict(test: TestReport): string {
  const { majority_class: majority, last_direction: last } = test.baselines;
  const points = (test.model.accuracy - Math.max(majority.accuracy, last.accuracy)) * 100;
  return test.beats_baselines ? `✔ ${points.toFixed(1)} points above both` : `– ${Math.abs(points).toFixed(1)} points below the better`;
}

export function Model({ id }: { id: string }): JSX.Element {
  const { got: card, problem } = useRead<ModelCard>(`/models/${encodeURIComponent(id)}`);
  if (problem !== null) return <Problem text={words(problem)} />;
  if (card === null) return <p class="muted loading">Asking the server…</p>;
  const again = href(['start'], { kind: 'training', params: JSON.stringify(card.params) });
  return (
    <div class="model">
      <div class="title">
        <h1>Model <span class="id">{short(card.model_id)}</span> <span class="muted"><bdi>{card.data.symbol}</bdi> {card.data.timeframe}</span></h1>
        <Copy text={card.model_id} label="copy id" />
        <span class="space" />
        <Verify id={card.model_id} />
        <a class="button" href={again}>Train again with…</a>
        <Delete path={`/models/${encodeURIComponent(card.model_id)}`} name={`model ${short(card.model_id)}`} done={() => go(['models'])} />
      </div>
      <div class="columns">
        <div><Scores test={card.test} /><History card={card} /></div>
        <div><Confusion test={card.test} /><About card={card} /><Origin card={card} /><Panel title="Parameters"><Value value={card.params} /></Panel></div>
      </div>
    </div>
  );
}

/** Starts a training again from the card, and opens the page of that operation. */
function Verify({ id }: { id: string }): JSX.Element {
  const [busy, setBusy] = useState(false);
  const start = async (): Promise<void> => {
    setBusy(true);
    try {
      const started = await post<{ operation_id: string }>(`/models/${encodeURIComponent(id)}/verify`, {});
      go(['operations', started.operation_id]);
    } catch (error) {
      tell(words(error), true);
      setBusy(false);
    }
  };
  return <button type="button" title="Trains it again from its card, and compares the weights bit by bit" disabled={busy || reach.value === 'gone'} onClick={() => void start()}>Verify</button>;
}

function Scores({ test }: { test: TestReport }): JSX.Element {
  const rows: [string, TestReport['model']][] = [
    ['this model', test.model],
    ['majority class', test.baselines.majority_class],
    ['last direction', test.baselines.last_direction],
  ];
  return (
    <Panel title={`On ${count(test.rows)} bars that it has not seen`}>
      <p class="verdict">{verdict(test)} baselines' accuracy</p>
      <table class="scores">
        <thead><tr><th /><th class="right">accuracy</th><th class="right">balanced</th><th class="right">log loss</th></tr></thead>
        <tbody>
          {rows.map(([name, scores], index) => (
            <tr key={name}><th scope="row">{name}</th><td class="right">{index === 0 ? <b>{share(scores.accuracy)}</b> : share(scores.accuracy)}</td><td class="right">{share(scores.balanced_accuracy)}</td><td class="right">{measure(scores.log_loss)}</td></tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

function History({ card }: { card: ModelCard }): JSX.Element {
  const [range, zoom] = useState<Range | null>(null);
  const drawn = useMemo(() => {
    const curve = (name: 'train_loss' | 'validation_loss' | 'train_accuracy' | 'validation_accuracy') => ({ name, values: card.history.map((one) => one[name]) });
    return {
      x: card.history.map((one) => one.epoch),
      loss: [curve('train_loss'), curve('validation_loss')],
      accuracy: [curve('train_accuracy'), curve('validation_accuracy')],
      marks: [{ step: card.best_epoch, kind: 'resumed' as const, label: `best @ ${card.best_epoch}` }],
    };
  }, [card]);
  return (
    <Panel title="Curves" extra={<span class="muted">ended by {card.ended_by}</span>}>
      <figure><figcaption><b>loss</b></figcaption><Plot label="loss" x={drawn.x} curves={drawn.loss} marks={drawn.marks} together="model" range={range} zoom={zoom} /></figure>
      <figure><figcaption><b>accuracy</b></figcaption><Plot label="accuracy" x={drawn.x} curves={drawn.accuracy} marks={drawn.marks} together="model" range={range} zoom={zoom} /></figure>
    </Panel>
  );
}

function Confusion({ test }: { test: TestReport }): JSX.Element {
  const most = Math.max(1, ...test.confusion.flat());
  return (
    <Panel title="Confusion matrix">
      <table class="confusion">
        <thead><tr><th><span class="muted">was ↓ said →</span></th>{test.classes.map((name) => <th key={name} scope="col">{name.replaceAll('_', ' ')}</th>)}</tr></thead>
        <tbody>
          {test.confusion.map((row, was) => (
            <tr key={was}>
              <th scope="row">{test.classes[was]?.replaceAll('_', ' ')}</th>
              {row.map((cell, said) => <td key={said} class={was === said ? 'right-answer' : ''} style={{ '--part': `${Math.round((cell / most) * 28)}%` }}>{count(cell)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

function About({ card }: { card: ModelCard }): JSX.Element {
  const about = {
    made: moment(card.created_at),
    data: `${count(card.data.bars)} bars, ${period(card.data.start, card.data.end)}`,
    ...parts(card.data),
    layers: card.layers.join(' → '),
    weights: `${count(card.weights)} (${bytes(card.weights * 4)})`,
    features: card.features.map((one) => one.name).join(', '),
    // The machine, which is shown elsewhere, has the device too.
    ...(card.machine === null ? { device: card.device } : {}),
    versions: Object.entries(card.versions).map(([name, version]) => `${name} ${version}`).join(', '),
  };
  return <Panel title="Card"><Value value={about} /></Panel>;
}

/** The rows of each part, and its days if the card has them. */
function parts(data: ModelData): Record<string, string> {
  const names = ['training', 'validation', 'test'];
  const { part_dates: dates } = data;
  if (dates === null) return { [names.join(', ')]: data.parts.map(count).join(', ') };
  return Object.fromEntries(names.map((name, at) => [name, `${count(data.parts[at] ?? 0)} rows, ${period(dates[at]!.start, dates[at]!.end)}`]));
}

/** The operation, its course and its machine. The card of a model of an earlier version has none of this. */
function Origin({ card }: { card: ModelCard }): JSX.Element | null {
  const { places, leftOut } = course(card.ancestry);
  if (card.operation_id === null) return null;
  const labels = Object.entries(card.labels).map(([key, value]) => `${key}=${value}`);
  const facts: Record<string, string | string[] | null> = {
    'started by': card.requested_by,
    labels: labels.length === 0 ? null : labels,
    machine: card.machine === null ? null : machine(card.machine),
  };
  const known = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== null));
  return (
    <Panel title="Training" name="origin" extra={<span>operation <OperationLink id={card.operation_id} /></span>}>
      <Value value={known} />
      <ol aria-label="Where it began, and where it went on from a checkpoint">
        {places.map((place, at) => (
          <li key={at}>
            {at === 1 && leftOut > 0 ? <p class="muted">{count(leftOut)} more</p> : null}
            <time dateTime={place.at}>{moment(place.at)}</time> <OperationLink id={place.operation} /> run {place.run}, {place.whence}
            {place.changed.length === 0 ? null : <>, with <bdi>{place.changed.join(', ')}</bdi></>}
          </li>
        ))}
      </ol>
    </Panel>
  );
}
