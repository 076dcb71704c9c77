// Any JSON, as text that can be read: params, results, details of an error.
import type { JSX } from 'preact';
import { count, measure } from '../format.ts';

function scalar(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? (Math.abs(value) < 10_000 ? String(value) : count(value)) : measure(value);
  return value === null ? 'none' : String(value);
}

function isScalar(value: unknown): boolean {
  return typeof value !== 'object' || value === null;
}

export function Value({ value, depth = 0 }: { value: unknown; depth?: number }): JSX.Element {
  if (isScalar(value)) return <span class="scalar">{scalar(value)}</span>;
  if (Array.isArray(value)) {
    if (value.every(isScalar)) return <span class="scalar">{value.length === 0 ? 'none' : value.map(scalar).join(', ')}</span>;
    return <pre>{value.every((one) => Array.isArray(one) && one.every(isScalar)) ? value.map((one) => (one as unknown[]).map(scalar).join('  ')).join('\n') : JSON.stringify(value, null, 2)}</pre>;
  }
  const entries = Object.entries(value as Record<string, unknown>);
  if (entries.length === 0) return <span class="muted">nothing</span>;
  if (depth > 4) return <pre>{JSON.stringify(value, null, 2)}</pre>;
  return (
    <dl class="value">
      {entries.map(([name, one]) => (
        <div key={name} class={isScalar(one) || Array.isArray(one) ? '' : 'nested'}>
          <dt>{name.replaceAll('_', ' ')}</dt>
          <dd><Value value={one} depth={depth + 1} /></dd>
        </div>
      ))}
    </dl>
  );
}
