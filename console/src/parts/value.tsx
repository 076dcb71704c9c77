// Shows any JSON as readable text: params, results, details of an error.
import type { JSX } from 'preact';
import { count } from '../format.ts';

/** A scalar. Numbers are not rounded, because the exact value may matter. */
function scalar(value: unknown): string {
  if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) >= 10_000 && Math.abs(value) < 1e15) return count(value);
  return value === null ? 'none' : String(value);
}

function isScalar(value: unknown): boolean {
  return typeof value !== 'object' || value === null;
}

export function Value({ value, depth = 0 }: { value: unknown; depth?: number }): JSX.Element {
  if (isScalar(value)) return <bdi class="scalar">{scalar(value)}</bdi>;
  if (Array.isArray(value)) {
    if (value.length === 0) return <span class="scalar">none</span>;
    if (value.every((one) => typeof one === 'string')) return <ul class="scalar">{value.map((one, index) => <li key={index}><bdi>{one}</bdi></li>)}</ul>;
    if (value.every(isScalar)) return <bdi class="scalar">{value.map(scalar).join(', ')}</bdi>;
    return <pre>{value.every((one) => Array.isArray(one) && one.every(isScalar)) ? value.map((one) => (one as unknown[]).map(scalar).join('  ')).join('\n') : JSON.stringify(value, null, 2)}</pre>;
  }
  const entries = Object.entries(value as Record<string, unknown>);
  if (entries.length === 0) return <span class="muted">nothing</span>;
  if (depth > 4) return <pre>{JSON.stringify(value, null, 2)}</pre>;
  return (
    <dl class="value">
      {entries.map(([name, one]) => (
        <div key={name} class={isScalar(one) || Array.isArray(one) ? '' : 'nested'}>
          <dt><bdi>{name.replaceAll('_', ' ')}</bdi></dt>
          <dd><Value value={one} depth={depth + 1} /></dd>
        </div>
      ))}
    </dl>
  );
}
