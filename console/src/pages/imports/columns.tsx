// Which column has which field of a bar.
import type { JSX } from 'preact';
import { FIELDS } from '../../quality.ts';
import { object } from '../start/given.ts';
import type { Wrong } from '../start/wrong.ts';

/** The most names of a column that are shown; the documentation has all. */
const NAMES = 5;

/** `value` is a JSON object, empty for none. */
export function Columns({ value, change, faults, known }: { value: string; change: (text: string) => void; faults: Wrong[]; known: Record<string, string[]> }): JSX.Element {
  const said = object(value === '' ? '{}' : value) ?? {};
  const put = (field: string, header: string): void => {
    const { [field]: _, ...others } = said;
    const all = header === '' ? others : { ...others, [field]: header };
    change(Object.keys(all).length === 0 ? '' : JSON.stringify(all));
  };
  const wrong = faults.length > 0;
  return (
    <fieldset class={`columns-said entry ${wrong ? 'wrong' : ''}`} aria-describedby={wrong ? 'columns-wrong' : undefined}>
      <legend>Columns</legend>
      <p class="muted small">The header of a column, or <code>column 3</code> for the third; a time in two columns is <code>Date + Time</code>. What is empty is found by name.</p>
      <div class="fields">
        {FIELDS.map((field, index) => {
          const names = (known[field] ?? []).slice(0, NAMES).join(', ');
          // The first one is where the focus goes.
          const id = index === 0 ? 'field-columns' : `field-columns-${field}`;
          return (
            <div key={field} class="entry">
              <label for={id}>{field}</label>
              <input id={id} type="text" autocomplete="off" value={typeof said[field] === 'string' ? said[field] : ''} placeholder={names === '' ? 'found' : `found: ${names}, …`} aria-invalid={wrong} onInput={(event) => put(field, event.currentTarget.value)} />
            </div>
          );
        })}
      </div>
      {wrong ? <p id="columns-wrong" class="fault" role="alert"><bdi>{faults.map((fault) => `${fault.path === 'columns' ? '' : `${fault.path}: `}${fault.text}`).join('; ')}</bdi></p> : null}
    </fieldset>
  );
}
