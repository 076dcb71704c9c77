// Makes the fields of a form from a JSON Schema, and params from what was typed.
import type { Kind } from './wire.ts';

/** The parts of a JSON Schema that a form uses. */
export interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  pattern?: string;
  /** What is expected, in words; servers say so where a pattern would tell a person little. */
  'x-expected'?: string;
  examples?: unknown[];
  format?: string;
  $ref?: string;
  $defs?: Record<string, Schema>;
  anyOf?: Schema[];
  oneOf?: Schema[];
  const?: unknown;
}

export interface Field {
  name: string;
  label: string;
  kind: 'integer' | 'number' | 'text' | 'choice' | 'switch' | 'list' | 'lines' | 'json';
  required: boolean;
  help: string;
  unit: string;
  /** The range in words: `1 to 65,536`. */
  range: string;
  /** The default as it would be typed; empty if there is none. */
  fallback: string;
  choices: string[];
  /** Values to choose from beside any others. */
  examples: string[];
  schema: Schema;
}

const UNITS: [RegExp, string][] = [
  [/_ms$/, 'ms'],
  [/_seconds$/, 's'],
  [/_minutes$/, 'min'],
  [/_bytes$/, 'bytes'],
  [/_percent$|percentage$/, '%'],
];

/** The unit in a name, which is removed because it is shown beside the field. */
const UNIT_WORD = /_(ms|seconds|minutes|bytes|percent)$/;

/** The fields, the required ones first. */
export function fields(kind: Kind): Field[] {
  const root = kind.params_schema as Schema;
  const required = new Set(root.required ?? []);
  const list = Object.entries(root.properties ?? {}).map(([name, schema]) =>
    field(name, resolve(schema, root), required.has(name)),
  );
  return [...list.filter((one) => one.required), ...list.filter((one) => !one.required)];
}

function resolve(schema: Schema, root: Schema): Schema {
  const name = schema.$ref?.replace(/^#\/\$defs\//, '');
  const target = name === undefined ? undefined : root.$defs?.[name];
  const merged = target === undefined ? schema : { ...target, ...schema };
  const branches = (merged.anyOf ?? merged.oneOf)?.map((one) => resolve(one, root));
  if (branches === undefined) return merged;
  const some = branches.filter((one) => one.type !== 'null');
  if (some.length === 1) return { ...some[0], ...merged, type: some[0]?.type };
  const words = some.map((one) => one.const);
  return words.every((word) => typeof word === 'string') ? { ...merged, type: 'string', enum: words } : merged;
}

function field(name: string, schema: Schema, required: boolean): Field {
  const kind = kindOf(schema);
  return {
    name,
    label: name.replace(UNIT_WORD, '').replaceAll('_', ' ').replace(/^./, (first) => first.toUpperCase()),
    kind,
    required,
    help: schema.description ?? '',
    unit: UNITS.find(([end]) => end.test(name))?.[1] ?? '',
    range: range(schema, kind),
    fallback: schema.default === undefined || schema.default === null ? '' : typed(schema.default, kind),
    choices: (schema.enum ?? []).filter((one) => one !== null).map(String),
    examples: (schema.examples ?? []).map(String),
    schema,
  };
}

function kindOf(schema: Schema): Field['kind'] {
  if (schema.enum !== undefined) return 'choice';
  const types = (Array.isArray(schema.type) ? schema.type : [schema.type]).filter((one) => one !== 'null');
  if (types.length !== 1) return 'json';
  switch (types[0]) {
    case 'integer':
      return 'integer';
    case 'number':
      return 'number';
    case 'string':
      return 'text';
    case 'boolean':
      return 'switch';
    case 'array':
      return isPlain(schema.items) ? 'list' : 'json';
    default:
      return 'json';
  }
}

function isPlain(items: Schema | undefined): boolean {
  return items?.type === 'integer' || items?.type === 'number';
}

function range(schema: Schema, kind: Field['kind']): string {
  if (schema['x-expected'] !== undefined) return schema['x-expected'];
  if (kind === 'list') {
    const most = schema.maxItems === undefined ? '' : `at most ${schema.maxItems}, `;
    return `${most}each ${limits(schema.items ?? {}) || 'any'}, by comma`;
  }
  if (kind === 'text' && schema.pattern !== undefined) return `matches ${schema.pattern}`;
  if (kind === 'text' && schema.maxLength !== undefined) return `at most ${number(schema.maxLength)} characters`;
  return kind === 'integer' || kind === 'number' ? limits(schema) : '';
}

function limits(schema: Schema): string {
  const { minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below } = schema;
  const low = above !== undefined ? `above ${number(above)}` : minimum !== undefined ? number(minimum) : '';
  const high = below !== undefined ? `below ${number(below)}` : maximum !== undefined ? number(maximum) : '';
  if (low !== '' && high !== '') return above !== undefined || below !== undefined ? `${low}, ${high}` : `${low} to ${high}`;
  if (low !== '') return above !== undefined ? low : `at least ${low}`;
  return high === '' ? '' : below !== undefined ? high : `at most ${high}`;
}

function number(value: number): string {
  if (value === Number.MAX_SAFE_INTEGER) return '2^53 − 1';
  return value.toLocaleString('en', { maximumFractionDigits: 20 });
}

/** A value as it would be typed. */
export function typed(value: unknown, kind: Field['kind']): string {
  if (value === undefined || value === null) return '';
  if (kind === 'list' && Array.isArray(value)) return value.length === 0 ? 'none' : value.join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** What was typed, as params. A text that is not a number is sent as it is, and the server reports the fault. */
export function params(list: Field[], values: Record<string, string>): Record<string, unknown> {
  const made: Record<string, unknown> = {};
  for (const one of list) {
    const text = (values[one.name] ?? '').trim();
    if (text === '') continue;
    made[one.name] = value(text, one.kind);
  }
  return made;
}

/** The params that were typed otherwise than they were. */
export function changed(list: Field[], was: Record<string, string>, is: Record<string, string>): Record<string, unknown> {
  return params(list.filter((one) => (is[one.name] ?? '').trim() !== (was[one.name] ?? '')), is);
}

function value(text: string, kind: Field['kind']): unknown {
  switch (kind) {
    case 'integer':
    case 'number':
      return numeric(text);
    case 'switch':
      return text === 'true';
    case 'list':
      return text === 'none' ? [] : text.split(',').map((part) => numeric(part.trim()));
    case 'json':
      return parsed(text);
    default:
      return text;
  }
}

function numeric(text: string): unknown {
  const bare = text.replaceAll(/[\u00a0_]/g, '').replace('−', '-');
  const made = Number(bare);
  return bare !== '' && Number.isFinite(made) ? made : text;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text, finite) as unknown;
  } catch {
    return text;
  }
}

/** Keeps a number that is too large for JavaScript as text, because JSON has no infinity. */
function finite(_: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError('too large a number');
  return value;
}

/** The field of a fault: `hidden_layers` for `hidden_layers[1]` and `hidden_layers/1`, `priority` for
 * `options.priority`. */
export function owner(path: string): string {
  return path.replace(/^(params|options)[./]/, '').split(/[.[/]/)[0] ?? '';
}
