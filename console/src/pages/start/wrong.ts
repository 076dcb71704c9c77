// What is wrong with a field of the form, from a fault of the schema or from a refusal of the kind.
import { owner, type Field } from '../../schema.ts';
import type { Fault } from '../../wire.ts';

export interface Wrong {
  path: string;
  text: string;
}

export function ofFault({ path, expected, got }: Fault): Wrong {
  return { path, text: `expected ${expected}, got ${got}` };
}

/** A refusal of a kind that is about one param, which `details.field` names; null for any other error. */
export function ofRefusal({ code, message, details }: { code: string; message: string; details: unknown }, list: readonly Field[]): Wrong | null {
  const field = typeof details === 'object' && details !== null ? (details as { field?: unknown }).field : undefined;
  if (typeof field !== 'string' || !list.some((one) => one.name === owner(field))) return null;
  // The message begins with the field as well, and the text is at the field.
  return { path: field, text: `${code}: ${message.startsWith(`${field}: `) ? message.slice(field.length + 2) : message}` };
}
