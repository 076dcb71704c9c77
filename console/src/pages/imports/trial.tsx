// A dry run: its progress, and what would be loaded or why the file is refused.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { post, words } from '../../api.ts';
import { reach } from '../../connection.ts';
import { useOperation, useOutput } from '../../feed/watching.ts';
import { count, period, zoned } from '../../format.ts';
import { Meter, OperationLink, Panel, Problem, tell } from '../../parts/basics.tsx';
import { Linked, Refused, type Answering } from '../../parts/refused.tsx';
import { Ends, Report } from '../../parts/report.tsx';
import { badRows, cutAtParams, doubts, loaded, type Loaded } from '../../quality.ts';
import { go } from '../../route.ts';
import { isEnded } from '../../status.ts';
import type { OperationError, View } from '../../wire.ts';

type Params = Record<string, unknown>;

interface Props {
  id: string;
  /** The params that were tried. */
  params: Params;
  /** Whether the form says something else by now. */
  changed: boolean;
  answering: Answering;
  refused: (error: OperationError) => void;
  start: (params: Params) => Promise<{ operation_id: string }>;
}

export function Trial({ id, params, changed, answering, refused, start }: Props): JSX.Element {
  const watched = useOperation(id);
  const view = watched?.view ?? null;
  const output = useOutput(view);
  const ended = view !== null && isEnded(view.status);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!ended) return;
    box.current?.scrollIntoView({ block: 'nearest' });
    if (view.status === 'failed' && view.error !== null) refused(view.error);
  }, [ended]);
  const body = (): JSX.Element => {
    if (watched?.phase === 'absent') return <Problem text="The server does not know this dry run any more: try again" />;
    if (view === null) return watched?.phase === 'failed' ? <Problem text={watched.problem} /> : <p class="muted">Asking the server…</p>;
    if (!ended) return <Running view={view} />;
    if (view.status === 'failed' && view.error !== null) return <Failed error={view.error} answering={answering} />;
    if (view.status !== 'completed') return <p>The dry run was stopped. Nothing was changed.</p>;
    const found = loaded(output.got);
    if (found !== null) return <Preview found={found} params={params} changed={changed} start={start} />;
    return output.got === null ? (output.problem === '' ? <p class="muted">Asking the server…</p> : <Problem text={output.problem} />) : <Problem text="The server's answer has no report" />;
  };
  return (
    <div ref={box} class="trial">
      <p class="hidden" role="status">{said(view, loaded(output.got))}</p>
      <Panel title={view?.status === 'failed' ? 'The file is refused' : 'What would be loaded'} name={view?.status === 'failed' ? 'error' : ''} extra={<span class="muted">dry run <OperationLink id={id} /></span>}>
        {body()}
      </Panel>
    </div>
  );
}

/** What has come of it, in short, for who cannot see it. */
function said(view: View | null, found: Loaded | null): string {
  if (view === null || !isEnded(view.status)) return 'The dry run has begun';
  if (found !== null) return `The dry run has ended: ${count(found.rows)} bars, ${count(found.report.warnings.length)} warnings`;
  return view.status === 'failed' ? `The file is refused: ${view.error?.code ?? ''}` : '';
}

function Running({ view }: { view: View }): JSX.Element {
  const stop = (): void => {
    post(`/operations/${view.operation_id}/cancel`, { reason: 'the dry run was stopped' }).catch((error: unknown) => tell(words(error), true));
  };
  return (
    <>
      <p class="sending"><bdi class="text">{view.status === 'pending' ? `It waits${view.waiting_for === null ? '' : `: ${zoned(view.waiting_for)}`}` : (view.progress?.message ?? '')}</bdi><button type="button" disabled={reach.value === 'gone' || view.stop !== null} onClick={stop}>Stop</button></p>
      <Meter value={view.progress?.percentage ?? 0} status={view.status} label="Dry run" />
    </>
  );
}

function Failed({ error, answering }: { error: OperationError; answering: Answering }): JSX.Element {
  const isDoubtful = doubts(error).length > 0;
  const { rows } = badRows(error);
  const hasRows = rows.length > 0;
  // What is expected of rows that are bars says itself what to say, as of several with the same time.
  const mayBeSkipped = rows.some((row) => cutAtParams(row.expected, answering.names).every((part) => part.param === null));
  return (
    <>
      {isDoubtful || hasRows ? <Refused error={error} answering={answering} /> : <p><b class="code">{error.code}</b> <Linked text={error.message} answering={answering} /></p>}
      {mayBeSkipped ? <p><span aria-hidden="true">→ </span>Mend the file and upload it again, or say <button type="button" class="link" onClick={() => answering.go('bad_rows')}>bad_rows</button> skip to leave such rows out.</p> : null}
      <div class="actions"><button type="submit" form="load" class="primary" disabled={reach.value === 'gone'}>Try again</button><span class="muted">Nothing was changed.</span></div>
    </>
  );
}

function Preview({ found, params, changed, start }: { found: Loaded } & Pick<Props, 'params' | 'changed' | 'start'>): JSX.Element {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const load = async (): Promise<void> => {
    setBusy(true);
    setProblem('');
    try {
      const { operation_id: id } = await start(params);
      go(['operations', id]);
    } catch (error) {
      setProblem(words(error));
      setBusy(false);
    }
  };
  return (
    <>
      <p class="verdict"><b>{count(found.rows)}</b> {found.rows === 1 ? 'bar' : 'bars'} of <bdi>{found.symbol}</bdi> {found.timeframe}, {period(found.start, found.end)}</p>
      {problem === '' ? null : <Problem text={problem} />}
      <div class="actions first">
        <button type="button" class="primary" disabled={busy || changed || reach.value === 'gone'} onClick={() => void load()}>{busy ? 'Starting…' : 'Load'}</button>
        <span class="muted">{changed ? 'The form was changed since: make another dry run first.' : 'Nothing was changed yet.'}</span>
      </div>
      <Report report={found.report}><Ends of={found} /></Report>
    </>
  );
}
