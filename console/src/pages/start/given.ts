// The values that the address has for a form: the params of another operation, or single ones.
import { typed, type Field } from '../../schema.ts';

/** `unread` says what of them this form does not have. */
export function given(query: URLSearchParams, list: readonly Field[], kind: string): { values: Record<string, string>; unread: string } {
  const whole = object(query.get('params') ?? '{}');
  if (whole === null) return { values: {}, unread: `params: expected a JSON object, got ${JSON.stringify(query.get('params'))}` };
  const known = new Set(list.map((one) => one.name));
  const named = [...query.keys()].filter((name) => name !== 'kind' && name !== 'params');
  const unknown = [...new Set([...Object.keys(whole), ...named])].filter((name) => !known.has(name));
  const values: Record<string, string> = {};
  for (const { name, kind: of } of list) {
    const text = typed(whole[name], of) || (query.get(name) ?? '');
    if (text !== '') values[name] = text;
  }
  return { values, unread: unknown.length === 0 ? '' : `${kind} has no ${unknown.length === 1 ? 'param' : 'params'} ${unknown.join(', ')}` };
}

/** The object that a text is in JSON, or null. */
export function object(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
