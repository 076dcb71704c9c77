// Small things that every page uses.
import { signal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { reach } from '../connection.ts';
import { percent, short } from '../format.ts';
import { href } from '../route.ts';
import { isEnded, sign } from '../status.ts';
import type { Row } from '../wire.ts';
import { Dialog } from './dialog.tsx';

/** The sign and the word of a status. While the server cannot be reached, it says that the status is old. */
export function Badge({ row, big = false }: { row: Pick<Row, 'status' | 'stopped_early' | 'unresponsive_since'>; big?: boolean }): JSX.Element {
  const unsure = reach.value === 'gone' && !isEnded(row.status);
  const word = row.status === 'completed' && row.stopped_early ? 'completed early' : row.status;
  return (
    <span class={`badge ${unsure ? 'unsure' : row.status} ${big ? 'big' : ''}`}>
      <span class="sign" aria-hidden="true">{unsure ? '?' : sign(row.status)}</span>
      <span>{unsure ? `was ${word}` : word}</span>
      {row.unresponsive_since !== null && !unsure ? <span class="alert">unresponsive</span> : null}
    </span>
  );
}

/** A bar and its number. */
export function Meter({ value, status, label }: { value: number; status: string; label: string }): JSX.Element {
  const part = Math.min(100, Math.max(0, value));
  return (
    <span class="meter">
      <span class={`track ${status}`} role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.floor(part)}>
        <span class="fill" style={{ transform: `scaleX(${part / 100})` }} />
      </span>
      <span class="number">{percent(part)}</span>
    </span>
  );
}

export function OperationLink({ id }: { id: string }): JSX.Element {
  return <a class="id" href={href(['operations', id])} title={id}>{short(id)}</a>;
}

/** A button that copies a text unless `refused`. Browsers let a page copy only if it came over HTTPS or from
 * this machine; any other page shows the text selected, to be copied by hand. */
export function Copy({ text, label, refused = () => false }: { text: string; label: string; refused?: () => boolean }): JSX.Element {
  const [said, say] = useState('');
  const [byHand, setByHand] = useState(false);
  useEffect(() => {
    if (said === '') return undefined;
    const timer = setTimeout(() => say(''), 1_500);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async (): Promise<void> => {
    if (refused()) return;
    try {
      await navigator.clipboard.writeText(text);
      say('copied');
    } catch {
      setByHand(true);
    }
  };
  return (
    <>
      <button type="button" class="quiet" onClick={() => void copy()}>
        {said === '' ? label : said}
      </button>
      {byHand ? <ByHand text={text} label={label} close={() => setByHand(false)} /> : null}
    </>
  );
}

function ByHand({ text, label, close }: { text: string; label: string; close: () => void }): JSX.Element {
  return (
    <Dialog title={label} onClose={close}>
      <p>The browser does not let this page copy{isSecureContext ? '' : ', because it came over plain HTTP'}. Copy the selected text by hand:</p>
      <textarea class="by-hand" autofocus readOnly rows={6} aria-label="The text to copy" value={text} onFocus={(event) => event.currentTarget.select()} />
      <div class="actions"><button type="button" onClick={close}>Close</button></div>
    </Dialog>
  );
}

/** A placeholder for an empty list: what would be there, and how to make it. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function Problem({ text }: { text: string }): JSX.Element {
  return <p class="problem" role="alert"><span aria-hidden="true">✘ </span><bdi>{text}</bdi></p>;
}

export function Panel({ title, extra, children, name }: { title: string; extra?: ComponentChildren; children: ComponentChildren; name?: string }): JSX.Element {
  return (
    <section class={`panel ${name ?? ''}`} aria-label={title}>
      <header><h2><bdi>{title}</bdi></h2>{extra}</header>
      {children}
    </section>
  );
}

const told = signal<{ text: string; bad: boolean; id: number }[]>([]);
let lastTold = 0;

/** Shows a message for some seconds. */
export function tell(text: string, bad = false): void {
  const id = ++lastTold;
  told.value = [...told.value.slice(-3), { text, bad, id }];
  setTimeout(() => {
    told.value = told.value.filter((one) => one.id !== id);
  }, bad ? 10_000 : 4_000);
}

export function Told(): JSX.Element {
  return (
    <div class="told" role="status" aria-live="polite">
      {told.value.map(({ text, bad, id }) => <p key={id} class={bad ? 'bad' : ''}><bdi>{text}</bdi></p>)}
    </div>
  );
}
