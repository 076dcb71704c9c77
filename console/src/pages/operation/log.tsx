// The log of the function, the newest line last.
import type { JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { clock } from '../../format.ts';
import { Panel } from '../../parts/basics.tsx';
import type { Event } from '../../wire.ts';

const SHOWN = 500;
const LEVELS = ['debug', 'info', 'warn', 'error'];

type Line = Extract<Event, { type: 'log' | 'gap' }>;

export function Log({ lines: known }: { lines: readonly Event[] }): JSX.Element {
  const [follow, setFollow] = useState(true);
  const [level, setLevel] = useState('debug');
  const box = useRef<HTMLDivElement>(null);
  const from = LEVELS.indexOf(level);
  const fits = (event: Event): event is Line =>
    event.type === 'gap' ? event.data.logs > 0 : event.type === 'log' && LEVELS.indexOf(event.data.level) >= from;
  const lines = known.filter(fits);
  useLayoutEffect(() => {
    if (follow && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [lines.length, follow]);
  const extra = (
    <>
      <label class="check"><input type="checkbox" checked={follow} onChange={(event) => setFollow(event.currentTarget.checked)} /> follow</label>
      <select aria-label="From which level" value={level} onChange={(event) => setLevel(event.currentTarget.value)}>
        {LEVELS.map((one) => <option key={one}>{one}</option>)}
      </select>
    </>
  );
  return (
    <Panel title="Log" extra={extra} name="log">
      {lines.length === 0 ? <p class="muted">Nothing written. A function writes a line with <code>ctx.log(level, …)</code>.</p> : (
        <div class="lines" ref={box} tabIndex={0} role="log" aria-label="Log lines">
          {lines.length > SHOWN ? <p class="muted">There are more lines before these: GET …/logs has them.</p> : null}
          {lines.slice(-SHOWN).map((line) => (
            <p key={line.seq} class={line.type === 'log' ? line.data.level : 'gap'}>
              <span class="muted">{clock(line.at)}</span>{' '}
              {line.type === 'log' ? <><span class="level">{line.data.level}</span> <bdi class="text">{line.data.message}</bdi></> : `${line.data.logs} lines could not be kept`}
            </p>
          ))}
        </div>
      )}
    </Panel>
  );
}
