// All events in order; only many checkpoints or warnings in a row are folded.
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { clock, count, moment } from '../../format.ts';
import { folded, history, type Told } from '../../history.ts';
import { Panel } from '../../parts/basics.tsx';
import { Sentence } from '../../parts/words.tsx';
import type { Event } from '../../wire.ts';

/** How many events of one type in a row are shown. Of more, the first and the last are shown. */
const IN_A_ROW = 4;

export function Timeline({ events }: { events: readonly Event[] }): JSX.Element {
  const [open, setOpen] = useState<ReadonlySet<number>>(new Set());
  const shown = useMemo(() => folded(history(events), IN_A_ROW), [events]);
  return (
    <Panel title="Timeline" name="timeline">
      <ol tabIndex={0} aria-label="Events, oldest first">
        {shown.map((one) => {
          if (!Array.isArray(one)) return <Line key={one.seq} one={one} />;
          const { seq, sign } = one[0]!;
          if (open.has(seq)) return one.map((each) => <Line key={each.seq} one={each} />);
          return (
            <li key={seq} class="folded">
              <span class="sign" aria-hidden="true">{sign}</span>
              <button type="button" class="quiet" onClick={() => setOpen((held) => new Set([...held, seq]))}>{count(one.length)} more</button>
            </li>
          );
        })}
      </ol>
    </Panel>
  );
}

function Line({ one }: { one: Told }): JSX.Element {
  return (
    <li>
      <time dateTime={one.at} title={moment(one.at)}>{clock(one.at)}</time>
      <span class="sign" aria-hidden="true">{one.sign}</span>
      <span class="text"><Sentence of={one.text} /></span>
    </li>
  );
}
