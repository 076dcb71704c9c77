// Loading a file of bars: it is uploaded, read on trial, and loaded when a person has seen how it is read.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { remove, words } from '../api.ts';
import { reach } from '../connection.ts';
import { kinds } from '../feed/kinds.ts';
import { bytes, count, moment } from '../format.ts';
import { Panel, Problem, tell } from '../parts/basics.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { changes, useRead, type Read } from '../read.ts';
import { go, href, route } from '../route.ts';
import { importPath, upload } from '../upload.ts';
import type { ImportList, ImportView } from '../wire.ts';
import { Drop } from './imports/drop.tsx';
import { LoadForm } from './imports/form.tsx';
import { object } from './start/given.ts';

export function Imports(): JSX.Element {
  const { query } = route.value;
  const named = query.get('file') ?? object(query.get('params') ?? '{}')?.['file'];
  const file = typeof named === 'string' ? named : '';
  const kind = kinds.value?.find((one) => one.kind === 'data_load');
  const listed = useRead<ImportList>('/data/imports');
  // A file of the same name may be there from an earlier upload.
  const isMissing = upload.value?.name === file && upload.value.phase === 'failed' && listed.got?.imports.every((one) => one.name !== file) === true;
  return (
    <div class="imports">
      <div class="title"><h1>Load a file</h1><a href={href(['data'])}>all data</a></div>
      <Drop />
      {file === '' || isMissing || kind === undefined ? null : <LoadForm key={query.toString()} file={file} kind={kind} query={query} />}
      <Files listed={listed} current={file} />
    </div>
  );
}

function Files({ listed: { got, problem }, current }: { listed: Read<ImportList>; current: string }): JSX.Element {
  return (
    <Panel title="Files on the server" name="files">
      {problem !== null ? <Problem text={words(problem)} />
        : got === null ? <p class="muted loading">Asking the server…</p>
          : got.imports.length === 0 ? <p class="muted">There is none in the server's import folder (<code>data.import_dir</code>).</p>
            : <Table list={got} current={current} />}
    </Panel>
  );
}

function Table({ list: { imports, left_off: leftOff }, current }: { list: ImportList; current: string }): JSX.Element {
  const [asked, ask] = useState<ImportView | null>(null);
  return (
    <>
      <div class="wide-table" tabIndex={0} role="region" aria-label="Files on the server">
        <table>
          <thead><tr><th>file</th><th class="right">size</th><th>written</th><th><span class="hidden">actions</span></th></tr></thead>
          <tbody>
            {imports.map((one) => (
              <tr key={one.name} class={one.name === current ? 'current' : ''}>
                <td class="text"><bdi>{one.name}</bdi></td>
                <td class="right">{bytes(one.bytes)}</td><td>{moment(one.modified_at)}</td>
                <td class="right">
                  <a class="button" href={href(['data', 'imports'], { file: one.name })} aria-current={one.name === current ? 'true' : undefined}>Load<span class="hidden"> {one.name}</span>…</a>{' '}
                  <button type="button" disabled={reach.value === 'gone'} onClick={() => ask(one)}>Delete<span class="hidden"> {one.name}</span>…</button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {leftOff === 0 ? null : <p class="muted">{count(leftOff)} more are not listed.</p>}
      {asked === null ? null : <Delete file={asked} current={current} close={() => ask(null)} />}
    </>
  );
}

function Delete({ file: { name, bytes: size }, current, close }: { file: ImportView; current: string; close: () => void }): JSX.Element {
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const confirm = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy || reach.value === 'gone') return;
    setBusy(true);
    try {
      await remove<ImportView>(importPath(name), '');
      tell(`${name} is deleted.`);
      close();
      changes.value++;
      if (name === current) go(['data', 'imports']);
    } catch (error) {
      setProblem(words(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title={`Delete ${name}?`} onClose={close}>
      <form onSubmit={(event) => void confirm(event)}>
        {problem === '' ? null : <Problem text={problem} />}
        <p>The file ({bytes(size)}) is removed from the server's import folder for good. What was loaded from it stays.</p>
        <div class="actions">
          <button type="button" autofocus onClick={close}>Leave as is</button>
          <button type="submit" class="danger" disabled={busy || reach.value === 'gone'}>{busy ? 'Deleting…' : 'Delete'}</button>
        </div>
      </form>
    </Dialog>
  );
}
