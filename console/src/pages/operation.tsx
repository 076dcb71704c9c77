// One operation: its progress, its history and its output.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { since, tick } from '../clock.ts';
import { lastSeen, reach } from '../connection.ts';
import { watchOne, type One } from '../feed.ts';
import { hasKind } from '../feed/kinds.ts';
import { useOutput } from '../feed/watching.ts';
import { bytes, count, duration, measure, moment, ordinal, period, short, span, steps, zoned } from '../format.ts';
import { absent, answered, ask } from '../parts/asking.tsx';
import { Badge, Copy, Empty, Meter, OperationLink, Panel, Problem } from '../parts/basics.tsx';
import { Refused } from '../parts/refused.tsx';
import { Ends, Report } from '../parts/report.tsx';
import { Value } from '../parts/value.tsx';
import { found } from '../origin.ts';
import { badRows, doubts, loaded } from '../quality.ts';
import { href } from '../route.ts';
import { VERBS, elapsed, isDispatched, isEnded, isKnown, levels } from '../status.ts';
import type { View } from '../wire.ts';
import { Fork } from './operation/fork.tsx';
import { Log } from './operation/log.tsx';
import { Metrics } from './operation/metrics.tsx';
import { Timeline } from './operation/timeline.tsx';

export function Operation({ id }: { id: string }): JSX.Element | null {
  const [one, setOne] = useState<One | null>(null);
  useEffect(() => {
    const made = watchOne(id);
    setOne(made);
    return () => made.close();
  }, [id]);
  useEffect(() => {
    const view = answered.value;
    if (view?.operation_id === id) one?.learn(view);
  }, [answered.value]);
  useEffect(() => {
    // Read now: the page of an ended operation is read seldom.
    if (absent.value?.id === id) one?.refresh();
  }, [absent.value]);
  return one === null ? null : <Shown one={one} id={id} />;
}

function Shown({ one, id }: { one: One; id: string }): JSX.Element {
  const watched = one.state.value;
  const { phase, problem, view, events, lines } = watched;
  if (phase === 'absent') return <Absent id={id} wasThere={watched.wasThere} />;
  if (view === null) return phase === 'failed' ? <Problem text={problem} /> : <p class="muted loading">Asking the server…</p>;
  const outermost = view.progress?.steps[0]?.name;
  return (
    <div class={`operation ${reach.value === 'gone' ? 'stale' : ''}`}>
      <Head view={view} latest={() => one.state.value.view ?? view} />
      {view.error === null ? null : <Failed view={view} />}
      <Warnings view={view} />
      <div class="columns">
        <div>
          <LoadOutcome view={view} />
          <Metrics watched={watched} look={(range) => one.look(range)} outermost={outermost} running={isDispatched(view.status)} />
          <Log lines={lines} />
        </div>
        <div>
          <Timeline events={events} />
          <Outcome view={view} />
          <Panel title="Parameters" extra={<a href={again(view)}>start another with these</a>}><Value value={view.params} /></Panel>
          <Facts view={view} />
        </div>
      </div>
    </div>
  );
}

function Absent({ id, wasThere }: { id: string; wasThere: boolean }): JSX.Element {
  return (
    <Empty title={wasThere ? `The operation ${short(id)} was removed` : `The server knows no operation ${short(id)}`}>
      <p>{wasThere ? 'The server knows it no more.' : ''} It may have been pruned, or the server was started anew: with the store in memory, operations live as long as the server.</p>
      <p><a href="#/operations">All operations</a></p>
    </Empty>
  );
}

/** The address of a start form that is filled in as this operation was started. */
function again(view: View): string {
  const query = new URLSearchParams({ kind: view.kind });
  query.set('params', JSON.stringify(view.params));
  return href(['start'], query);
}

function Head({ view, latest }: { view: View; latest: () => View }): JSX.Element {
  void tick.value;
  const [forking, setForking] = useState(false);
  const { progress, operation_id: id } = view;
  const context = Object.values(progress?.context ?? {}).join(' ');
  const live = isDispatched(view.status) && reach.value !== 'gone';
  const took = elapsed(view, lastSeen());
  return (
    <section class="panel head" aria-label="Progress">
      <div class="title">
        <h1><bdi>{view.kind}</bdi> <bdi class="muted text">{context}</bdi></h1>
        <span class="id" title={id}>{short(id)}</span>
        <Copy text={id} label="copy id" />
        <span class="space" />
        <Badge row={view} big />
        <span class="muted">{view.run > 1 ? `run ${view.run}, ` : ''}attempt {view.attempt} of {view.max_attempts}</span>
      </div>
      <p class="message text"><bdi>{progress?.message ?? zoned(view.waiting_for ?? '')}</bdi></p>
      {progress === null ? null : <Meter value={progress.percentage} status={view.status} label="Progress" />}
      <div class="facts">
        {levels(view).map((step) => <span key={step.name}><bdi>{step.name}</bdi> <b>{count(step.current)}</b>{step.total === null ? '' : `/${count(step.total)}`}</span>)}
        {progress !== null && progress.items_processed > 0 ? <span>{count(progress.items_processed)}{progress.items_total === null ? '' : ` of ${count(progress.items_total)}`} items</span> : null}
        {live && progress?.rate_per_second != null ? <span>{measure(progress.rate_per_second)}/s</span> : null}
        {view.run > 0 ? <span>{isEnded(view.status) ? 'took' : 'elapsed'} <b>{isEnded(view.status) ? span(took) : duration(took)}</b></span> : null}
        {live && progress?.eta_seconds != null ? <span>ETA <b>{duration(progress.eta_seconds)}</b></span> : null}
        {live ? <Life view={view} /> : null}
      </div>
      {view.status === 'pending' && view.waiting_for !== null ? <p class="waits">Waits: <bdi>{zoned(view.waiting_for)}</bdi>{view.queue_position === null ? '' : `, ${ordinal(view.queue_position)} in line`}</p> : null}
      <Stopping view={view} />
      <div class="actions">
        {view.verbs.filter(isKnown).map((verb) => (
          <button key={verb} type="button" class={verb === 'cancel' ? 'danger' : verb === 'resume' ? 'primary' : ''} disabled={reach.value === 'gone'} onClick={() => ask(verb, () => [latest()])}>
            {verb === 'finish' ? 'Finish, keep what is done' : VERBS[verb].label}…
          </button>
        ))}
        {view.checkpoints.length > 0 ? <button type="button" disabled={reach.value === 'gone'} onClick={() => setForking(true)}>Fork…</button> : null}
      </div>
      {forking ? <Fork view={view} close={() => setForking(false)} /> : null}
    </section>
  );
}

/** Alive means that the function makes calls, advancing that its counts grow. One does not imply the other. */
function Life({ view }: { view: View }): JSX.Element {
  const sign = (time: string | null | undefined, name: string): JSX.Element => {
    const ago = time == null ? null : since(time) / 1_000;
    const fresh = ago !== null && ago < 10;
    return (
      <span class={`life ${fresh ? 'fresh' : ''}`}>
        <span aria-hidden="true">{fresh ? '●' : '○'}</span> {name} <span class="muted">{ago === null ? 'not yet' : `${span(ago)} ago`}</span>
      </span>
    );
  };
  return <>{sign(view.progress?.updated_at, 'alive')}{sign(view.progress?.advanced_at, 'advancing')}</>;
}

function Stopping({ view }: { view: View }): JSX.Element | null {
  const { stop, unresponsive_since: deaf } = view;
  if (stop === null) return null;
  const by = <>{stop.verb} asked by <bdi>{stop.requested_by}</bdi></>;
  const why = stop.reason === null ? null : <>: <bdi>{stop.reason}</bdi></>;
  if (!isDispatched(view.status)) {
    const ended = view.completed_at === null ? null : Math.max(0, Date.parse(view.completed_at) - Date.parse(stop.requested_at)) / 1_000;
    return <p class="stopping">{by}{why}{ended === null ? '' : `; the function reacted in ${span(ended)}`}</p>;
  }
  return (
    <p class={`stopping ${deaf === null ? '' : 'bad'}`} role="status">
      {by} {span(since(stop.requested_at) / 1_000)} ago{why};{' '}
      {deaf === null ? 'the function has not reacted yet' : `the function does not react, past its grace since ${moment(deaf)}`}
    </p>
  );
}

function Failed({ view }: { view: View }): JSX.Element {
  const error = view.error!;
  const isOfFile = doubts(error).length > 0 || badRows(error).rows.length > 0;
  return (
    <Panel title={view.status === 'failed' ? 'Error' : 'Error of an earlier attempt'} name="error" extra={view.kind === 'data_load' ? <a href={loadPage(view)}>change how it is read</a> : null}>
      <p><b class="code"><bdi>{error.code}</bdi></b> <span class="muted">run {error.run}{error.step === null ? null : <>, in <bdi>{error.step}</bdi></>}, {error.retryable ? 'may be tried again' : 'not tried again'}</span></p>
      {isOfFile ? <Refused error={error} /> : (
        <>
          <pre class="text"><bdi>{error.message}</bdi></pre>
          {error.details === null ? null : <Value value={error.details} />}
        </>
      )}
    </Panel>
  );
}

/** The warnings that no report has with their places. */
function Warnings({ view }: { view: View }): JSX.Element | null {
  const reported = new Set(loaded(view.result_summary)?.report.warnings.map((one) => one.code));
  const warnings = view.warnings.filter((one) => !reported.has(one.code));
  if (warnings.length === 0) return null;
  return (
    <Panel title="Warnings" name="warnings">
      <ul>{warnings.map((one, index) => <li key={index}><b class="code"><bdi>{one.code}</bdi></b> <bdi class="text">{one.message}</bdi> <span class="muted">run {one.run}, {moment(one.at)}</span></li>)}</ul>
    </Panel>
  );
}

/** The page on which a load is changed and started again. */
function loadPage(view: View): string {
  return href(['data', 'imports'], { params: JSON.stringify(view.params) });
}

function Outcome({ view }: { view: View }): JSX.Element | null {
  // A load has a report, which needs more room.
  const isShown = view.kind === 'data_load' && (view.result_summary === null || loaded(view.result_summary) !== null);
  if (view.status !== 'completed' || isShown) return null;
  const result = view.result_summary as Record<string, unknown> | null;
  const model = typeof result?.['model_id'] === 'string' ? result['model_id'] : null;
  const verdict = view.kind === 'model_verify' ? found(result) : null;
  // The verdict in words is shown above the rest.
  const rest = verdict === null || result === null ? result : Object.fromEntries(Object.entries(result).filter(([name]) => name !== 'verdict'));
  return (
    <Panel title="Result" name="result" extra={model === null || !hasKind('training') ? null : <a href={href(['models', model])}>the model</a>}>
      {verdict === null ? null : <p class={`verdict ${verdict.bad ? 'bad' : ''}`}><span aria-hidden="true">{verdict.sign} </span>{verdict.bits}: <bdi>{verdict.verdict}</bdi></p>}
      {result === null ? <p class="muted">More than a page shows: GET /api/v1/operations/{view.operation_id}/results</p> : <Value value={rest} />}
    </Panel>
  );
}

function LoadOutcome({ view }: { view: View }): JSX.Element | null {
  const output = useOutput(view.kind === 'data_load' ? view : null);
  const load = loaded(output.got);
  if (load === null) return null;
  const { symbol, timeframe, rows, dryRun } = load;
  const kept = [load.bytes === null ? '' : bytes(load.bytes), load.sha256 === null ? '' : `sha256 ${load.sha256.slice(0, 16)}…`, load.replaced === true ? 'in place of those that were there' : ''];
  return (
    <Panel title={dryRun ? 'What would be loaded' : 'Result'} name="result" extra={dryRun ? <a href={loadPage(view)}>load it</a> : <a href={href(['data', symbol, timeframe])}>the data</a>}>
      <p class="verdict"><b>{count(rows)}</b> {rows === 1 ? 'bar' : 'bars'} of <bdi>{symbol}</bdi> {timeframe}, {period(load.start, load.end)}</p>
      <p class="muted">{dryRun ? 'A dry run: nothing was changed.' : kept.filter((part) => part !== '').join(', ')}</p>
      <Report report={load.report}><Ends of={load} /></Report>
    </Panel>
  );
}

function Facts({ view }: { view: View }): JSX.Element {
  const facts: Record<string, string | string[] | null> = {
    'started by': view.requested_by,
    submitted: moment(view.created_at),
    'first run': view.started_at === null ? null : moment(view.started_at),
    ended: view.completed_at === null ? null : moment(view.completed_at),
    'not before': view.not_before === null ? null : moment(view.not_before),
    lane: `${view.lane}, priority ${view.priority}`,
    checkpoint: view.checkpoint === null ? null : `${steps(view.checkpoint.step)} (${bytes(view.checkpoint.bytes)}, ${moment(view.checkpoint.at)})`,
    // One label per line, because a label may have a comma.
    labels: Object.keys(view.labels).length === 0 ? null : Object.entries(view.labels).map(([key, value]) => `${key}=${value}`),
  };
  const known = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== null));
  return (
    <Panel title="About">
      <Value value={known} />
      {view.retry_of === null ? null : <p>tries <OperationLink id={view.retry_of} /> again</p>}
      {view.forked_from === null ? null : <p>forked from <OperationLink id={view.forked_from.operation_id} /> at <bdi>{steps(view.forked_from.step)}</bdi></p>}
    </Panel>
  );
}
