// One field of the form, with its unit, its range and its faults.
import type { JSX } from 'preact';
import type { Field } from '../../schema.ts';
import type { Wrong } from './wrong.ts';

interface Props { field: Field; value: string; change: (text: string) => void; faults: Wrong[]; isOption?: boolean }

export function Entry({ field, value, change, faults, isOption = false }: Props): JSX.Element {
  // A param may have the name of an option.
  const id = `${isOption ? 'option' : 'field'}-${field.name}`;
  const about = `${id}-about`;
  const wrong = faults.length > 0;
  const common = { id, name: field.name, 'aria-describedby': `${about}${wrong ? ` ${id}-wrong` : ''}`, 'aria-invalid': wrong, 'aria-required': field.required };
  return (
    <div class={`entry ${wrong ? 'wrong' : ''}`}>
      <label for={id}>{field.label}{field.required ? <span class="muted"> (needed)</span> : null}</label>
      <span class="typed"><Control field={field} value={value} change={change} common={common} />{field.unit === '' ? null : <span class="unit">{field.unit}</span>}</span>
      <p id={about} class="muted small">{[field.help, field.range].filter((part) => part !== '').join(' ')}</p>
      {wrong ? <p id={`${id}-wrong`} class="fault" role="alert"><bdi>{faults.map((fault) => `${fault.path.replace(/^options\./, '') === field.name ? '' : `${fault.path}: `}${fault.text}`).join('; ')}</bdi></p> : null}
    </div>
  );
}

function Control({ field, value, change, common }: Omit<Props, 'faults'> & { common: object }): JSX.Element {
  const fallback = field.fallback === '' ? '' : `default: ${field.fallback}`;
  if (field.kind === 'choice' || field.kind === 'switch') {
    const choices = field.kind === 'switch' ? ['true', 'false'] : field.choices;
    return (
      <select {...common} value={value} onChange={(event) => change(event.currentTarget.value)}>
        <option value="">{fallback === '' ? 'choose' : fallback}</option>
        {choices.map((choice) => <option key={choice} value={choice}>{choice}</option>)}
      </select>
    );
  }
  if (field.kind === 'json' || field.kind === 'lines') {
    const sample = field.kind === 'json' ? 'JSON' : 'key=value';
    return <textarea {...common} rows={field.kind === 'json' ? 4 : 2} placeholder={fallback || sample} value={value} onInput={(event) => change(event.currentTarget.value)} />;
  }
  const examples = field.examples.length === 0 ? undefined : `examples-${field.name}`;
  return (
    <>
      <input {...common} type="text" autocomplete="off" inputMode={field.kind === 'text' || field.kind === 'list' ? 'text' : 'decimal'} list={examples}
        placeholder={fallback} value={value} onInput={(event) => change(event.currentTarget.value)} />
      {examples === undefined ? null : <datalist id={examples}>{field.examples.map((one) => <option key={one} value={one} />)}</datalist>}
    </>
  );
}
