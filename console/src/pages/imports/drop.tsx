// Where a file is dropped or chosen, and how far its upload is.
import type { JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { reach } from '../../connection.ts';
import { bytes } from '../../format.ts';
import { Meter, Problem, tell } from '../../parts/basics.tsx';
import { go } from '../../route.ts';
import { abort, send, upload, type Upload } from '../../upload.ts';

/** Uploads a file, and opens the form of its load. */
function take(files: FileList, first?: DataTransferItem): void {
  const [file] = files;
  if (upload.value?.phase === 'sending') tell(`${upload.value.name} is being uploaded: stop that first, or wait for its end.`, true);
  else if (reach.value === 'gone') tell('The server cannot be reached.', true);
  else if (file === undefined || files.length > 1) tell(`One file at a time, please: these are ${files.length}.`, true);
  else if (first?.webkitGetAsEntry?.()?.isDirectory === true) tell(`${file.name} is a folder: choose a file in it.`, true);
  else {
    void send(file);
    go(['data', 'imports'], { file: file.name });
  }
}

/** A file may be dropped anywhere, so that one dropped beside the panel does not replace the console. */
function useDrops(): boolean {
  const [over, setOver] = useState(false);
  // At once, because a browser replaces the page by a file that nothing has taken.
  useLayoutEffect(() => {
    const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') === true;
    const drag = (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false);
    };
    const drop = (event: DragEvent): void => {
      if (!hasFiles(event) || event.dataTransfer === null) return;
      event.preventDefault();
      setOver(false);
      take(event.dataTransfer.files, event.dataTransfer.items[0]);
    };
    addEventListener('dragover', drag);
    addEventListener('dragleave', leave);
    addEventListener('drop', drop);
    return () => {
      removeEventListener('dragover', drag);
      removeEventListener('dragleave', leave);
      removeEventListener('drop', drop);
    };
  }, []);
  return over;
}

export function Drop(): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const over = useDrops();
  const last = upload.value;
  const sends = last?.phase === 'sending';
  return (
    <section class={`panel drop ${over ? 'over' : ''}`} aria-label="Upload a file">
      {last !== null && sends ? <Sending one={last} /> : (
        <>
          <p>
            <span aria-hidden="true">⇩ </span>Drop a file of bars anywhere on this page, or{' '}
            <button type="button" disabled={reach.value === 'gone'} onClick={() => input.current?.click()}>Choose a file…</button>
            <input ref={input} type="file" hidden aria-label="File" onChange={(event) => {
              const { files } = event.currentTarget;
              if (files !== null && files.length > 0) take(files);
              // So that the same file can be chosen again.
              event.currentTarget.value = '';
            }} />
          </p>
          <p class="muted small">As you downloaded it: CSV in any form, also in gzip or zip, or Parquet. You see how it is read before anything is loaded.</p>
        </>
      )}
      <div role="status">{last === null || sends ? null : <Sent one={last} />}</div>
    </section>
  );
}

function Sending({ one: { name, sent, bytes: all } }: { one: Upload }): JSX.Element {
  return (
    <>
      <p class="sending"><span>Uploading <b><bdi>{name}</bdi></b>: {sent < all ? `${bytes(sent)} of ${bytes(all)}` : `${bytes(all)}, being stored`}</span><button type="button" onClick={abort}>Stop</button></p>
      <Meter value={all === 0 ? 100 : (sent / all) * 100} status="running" label={`Upload of ${name}`} />
    </>
  );
}

function Sent({ one: { name, phase, problem, bytes: all, replaced } }: { one: Upload }): JSX.Element {
  if (phase === 'failed') return <Problem text={`${name} was not uploaded, and the server keeps nothing of it. ${problem}`} />;
  return <p class="sent"><span aria-hidden="true">✔ </span><bdi>{name}</bdi> ({bytes(all)}) is on the server{replaced ? ', in place of a file of that name' : ''}.</p>;
}
