// The tree of supervision, with the most important numbers at each node.
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { since, tick } from '../clock.ts';
import { reach } from '../connection.ts';
import { system, systemProblem, watchSystem } from '../feed/system.ts';
import { bytes, count, duration, millis, span } from '../format.ts';
import { OperationLink, Problem } from '../parts/basics.tsx';
import type { Lane, Slot, System } from '../wire.ts';

export function Supervision(): JSX.Element {
  useEffect(() => watchSystem(false, 1_000), []);
  const now = system.value;
  if (now === null) return systemProblem.value === '' ? <p class="muted loading">Asking the server…</p> : <Problem text={systemProblem.value} />;
  return (
    <div class={`supervision ${reach.value === 'gone' ? 'stale' : ''}`}>
      <h1>Supervision</h1>
      <ul class="tree">
        <li>
          <Node name="manager" sign={now.admitting ? '●' : '‖'} word={now.admitting ? 'admits starts' : 'admits none: it is shutting down'}
            facts={{ up: duration(now.uptime_seconds), admitted: count(now.admitted), refused: count(now.refused), 'cancel p50': millis(now.cancel_p50_ms), 'cancel p99': millis(now.cancel_p99_ms) }} />
          <ul>
            {now.lanes.map((lane) => <li key={lane.name}><LaneNode lane={lane} /></li>)}
            <li><StoreNode store={now.store} /></li>
            <li><Node name="hub" sign="●" word="tells who listens" facts={{ subscribers: count(now.subscribers) }} /></li>
            <li><Node name="faults" sign={now.panics + now.restarts === 0 ? '✔' : '!'} word={now.panics + now.restarts === 0 ? 'none since it started' : 'caught, and everything else goes on'} facts={{ 'panics caught': count(now.panics), 'actors and slots restarted': count(now.restarts) }} /></li>
          </ul>
        </li>
      </ul>
    </div>
  );
}

function Node({ name, sign, word, facts }: { name: string; sign: string; word: string; facts: Record<string, string> }): JSX.Element {
  return (
    <section class="node" aria-label={name}>
      <h2>{name} <span class="muted"><span aria-hidden="true">{sign}</span> {word}</span></h2>
      <dl>{Object.entries(facts).map(([what, value]) => <div key={what}><dt>{what}</dt><dd>{value}</dd></div>)}</dl>
    </section>
  );
}

function StoreNode({ store }: { store: System['store'] }): JSX.Element {
  return <Node name="store" sign="●" word={store.engine} facts={{ 'commit p50': millis(store.commit_p50_ms), 'commit p99': millis(store.commit_p99_ms), queue: count(store.queue), operations: count(store.operations), size: bytes(store.size_bytes) }} />;
}

function LaneNode({ lane }: { lane: Lane }): JSX.Element {
  const busy = lane.slots.filter((slot) => slot.operation_id !== null).length;
  const later = lane.scheduled > 0 ? `, ${count(lane.scheduled)} wait for their time` : '';
  const waits = lane.queued === 0 ? 'nothing waits' : `${count(lane.queued)} of ${count(lane.queue_limit)} wait`;
  return (
    <section class="node" aria-label={`lane ${lane.name}`}>
      <h2>lane <bdi>{lane.name}</bdi> <span class="muted">{busy} of {lane.concurrency} busy, {waits}{later}</span></h2>
      <dl>
        {lane.oldest_wait_seconds === null || lane.queued === 0 ? null : <div><dt>oldest waits</dt><dd>{span(lane.oldest_wait_seconds)}</dd></div>}
        <div><dt>threads for each</dt><dd>{lane.threads}</dd></div>
      </dl>
      <ol class="slots">{lane.slots.map((slot) => <li key={slot.slot}><SlotBox slot={slot} /></li>)}</ol>
    </section>
  );
}

function SlotBox({ slot }: { slot: Slot }): JSX.Element {
  void tick.value;
  if (slot.operation_id === null) return <span class="slot free"><span class="muted">slot {slot.slot}</span> free</span>;
  return (
    <span class={`slot busy ${slot.overdue ? 'overdue' : ''}`}>
      <span class="muted">slot {slot.slot}</span> <span aria-hidden="true">▸</span> <bdi>{slot.kind}</bdi> <OperationLink id={slot.operation_id} />
      <span class="muted">{slot.since === null ? '' : `for ${span(since(slot.since) / 1_000)}`}</span>
      <bdi class="text">{slot.step ?? ''}</bdi>
      {slot.overdue ? <strong class="late"><span aria-hidden="true">!</span> {late(slot)}</strong> : null}
    </span>
  );
}

function late(slot: Slot): string {
  const last = slot.advanced_at ?? slot.since;
  return last === null ? 'advances slower than usual' : `has not advanced for ${span(since(last) / 1_000)}, longer than usual`;
}
