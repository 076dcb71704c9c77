// What happened, in order.
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { clock, count, moment } from '../../format.ts';
import { history } from '../../history.ts';
import { Panel } from '../../parts/basics.tsx';
import type { Event } from '../../wire.ts';

const SHOWN = 60;

export function Timeline({ events, leftOut }: { events: readonly Event[]; leftOut: number }): JSX.Element {
  const [all, setAll] = useState(false);
  const told = useMemo(() => history(events), [events]);
  const hidden = all ? 0 : Math.max(0, told.length - SHOWN);
  const shown = hidden === 0 ? told : [...told.slice(0, 3), ...told.slice(hidden + 3)];
  return (
    <Panel title="Timeline" name="timeline">
      <ol tabIndex={0} aria-label="Events, oldest first">
        {shown.map((one, index) => (
          <li key={one.seq}>
            <time dateTime={one.at} title={moment(one.at)}>{clock(one.at)}</time>
            <span class="sign" aria-hidden="true">{one.sign}</span>
            <span class="text">{one.text}</span>
            {index === 2 && hidden > 0 ? <button type="button" class="quiet" onClick={() => setAll(true)}>{count(hidden)} more</button> : null}
          </li>
        ))}
      </ol>
      {leftOut > 0 ? <p class="muted small">{count(leftOut)} events in the middle are not shown.</p> : null}
    </Panel>
  );
}
