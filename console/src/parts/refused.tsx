// Why a file of bars was refused: what is doubted, or the rows that are no bars.
import type { JSX } from 'preact';
import { count } from '../format.ts';
import { badRows, cutAtParams, doubts } from '../quality.ts';

/** How a form takes what is said instead: its params, how to go to one, and the doubts that are accepted. */
export interface Answering {
  names: readonly string[];
  go: (param: string) => void;
  accepted: readonly string[];
  accept: (code: string, is: boolean) => void;
}

interface Props {
  error: { code: string; message: string; details: unknown };
  answering?: Answering;
}

/** The details of a refusal that people need to see whole; null for any other. */
export function Refused({ error, answering }: Props): JSX.Element | null {
  const doubted = doubts(error);
  if (doubted.length > 0) {
    return (
      <ul class="doubts" aria-label="Doubts">
        {doubted.map((one) => (
          <li key={one.code}>
            <p><b class="code"><bdi>{one.code}</bdi></b> <bdi class="text">{one.message}</bdi></p>
            {one.instead === '' ? null : <p><span aria-hidden="true">→ </span><Linked text={one.instead} answering={answering} /></p>}
            {answering === undefined ? null : (
              <label class="check">
                <input type="checkbox" checked={answering.accepted.includes(one.code)} onChange={(event) => answering.accept(one.code, event.currentTarget.checked)} />
                It is meant so: accept {one.code}
              </label>
            )}
          </li>
        ))}
      </ul>
    );
  }
  const bad = badRows(error);
  return bad.rows.length === 0 ? null : <BadRows {...bad} answering={answering} />;
}

function BadRows({ rows, count: all, answering }: ReturnType<typeof badRows> & { answering: Answering | undefined }): JSX.Element {
  return (
    <>
      <p>{count(all)} {all === 1 ? 'row' : 'rows'} cannot be loaded{all > rows.length ? `; these are the first ${count(rows.length)}` : ''}:</p>
      <div class="wide-table rows" tabIndex={0} role="region" aria-label="Rows that cannot be loaded">
        <table>
          <thead><tr><th class="right">line</th><th>field</th><th>expected</th><th>got</th></tr></thead>
          <tbody>
            {rows.map((one, index) => <tr key={index}><td class="right">{one.line === null ? '' : count(one.line)}</td><td>{one.field}</td><td><Linked text={one.expected} answering={answering} /></td><td><bdi>{one.got}</bdi></td></tr>)}
          </tbody>
        </table>
      </div>
    </>
  );
}

/** A sentence of the server, in which the names of params lead to their fields. */
export function Linked({ text, answering }: { text: string; answering: Answering | undefined }): JSX.Element {
  if (answering === undefined) return <bdi class="text">{text}</bdi>;
  return (
    <bdi class="text">
      {cutAtParams(text, answering.names).map(({ text: part, param }, index) => (param === null ? part : <button key={index} type="button" class="link" onClick={() => answering.go(param)}>{part}</button>))}
    </bdi>
  );
}
