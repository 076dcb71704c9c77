// How a file of bars was read, why it was refused, and what is remarkable about it, in words.
import { count } from './format.ts';
import type { Bar, QualityReport, RowCounts, WarningCount } from './wire.ts';

/** The fields of a bar in their order. */
export const FIELDS = ['timestamp', 'open', 'high', 'low', 'close', 'volume'] as const;

const SIGNS: Record<string, string> = { ',': 'comma  ,', ';': 'semicolon  ;', '|': 'bar  |', '.': 'point  .' };

/** A separator or what stands before decimals, which is hard to see alone. */
export function signName(sign: string): string {
  return SIGNS[sign] ?? sign;
}

/** What the file was taken for, as names and values. */
export function readAs({ read_as: as }: QualityReport): Record<string, unknown> {
  const columns = Object.entries(as.columns).sort(([a], [b]) => place(a) - place(b));
  const facts: Record<string, unknown> = {
    'packed in': as.packed.length === 0 ? null : as.packed.join(', in it '),
    dialect: as.dialect,
    separator: signName(as.separator),
    decimal: signName(as.decimal),
    columns: columns.map(([field, header]) => `${field}: ${header}`),
    times: as.time_unit == null ? as.time_format : `${as.time_format} in ${as.time_unit}`,
    'time zone': as.time_zone,
    order: as.order,
  };
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== null && value !== ''));
}

function place(field: string): number {
  const at = (FIELDS as readonly string[]).indexOf(field);
  return at < 0 ? FIELDS.length : at;
}

const WHY: Record<string, [one: string, many: string]> = {
  bad_row: ['that is no bar', 'that are no bars'],
  duplicate: ['with the time of another one', 'with the times of others'],
  other_symbol: ['of another symbol', 'of other symbols'],
  file_end: ['at the end without its line end', 'at the end without their line ends'],
};

/** What became of the rows of a file: `2,148 read`, `3 left out that are no bars`. */
export function rowsTold(rows: RowCounts): string[] {
  const dropped = rows.dropped.filter((one) => one.count > 0).map(({ why, count: number }) => {
    const said = WHY[why]?.[number === 1 ? 0 : 1] ?? why.replaceAll('_', ' ');
    return `${count(number)} left out ${said}`;
  });
  const replaced = rows.replaced === 0 ? [] : [`${count(rows.replaced)} replaced`];
  return [`${count(rows.read)} read`, `${count(rows.added)} added`, ...replaced, ...dropped];
}

/** `OUTLIER at 3 places` */
export function warningCounts(warnings: readonly WarningCount[] | undefined): string[] {
  return (warnings ?? []).map(({ code, count: number }) => `${code} at ${count(number)} ${number === 1 ? 'place' : 'places'}`);
}

/** The output of a load, as far as the console shows it. */
export interface Loaded {
  symbol: string;
  timeframe: string;
  rows: number;
  start: string;
  end: string;
  sha256: string | null;
  bytes: number | null;
  replaced: boolean | null;
  dryRun: boolean;
  report: QualityReport;
  first: Bar[];
  last: Bar[];
}

/** The output of a load; null if this is none, or one of an earlier version, which has no report. */
export function loaded(output: unknown): Loaded | null {
  const { symbol, timeframe, rows, start, end, report, ...more } = record(output);
  if (typeof symbol !== 'string' || typeof timeframe !== 'string' || typeof rows !== 'number' || typeof start !== 'string' || typeof end !== 'string' || !isReport(report)) return null;
  const bars = (of: unknown): Bar[] => (Array.isArray(of) ? (of as Bar[]) : []);
  return {
    symbol, timeframe, rows, start, end, report,
    sha256: typeof more['sha256'] === 'string' ? more['sha256'] : null,
    bytes: typeof more['bytes'] === 'number' ? more['bytes'] : null,
    replaced: typeof more['replaced'] === 'boolean' ? more['replaced'] : null,
    dryRun: more['dry_run'] === true,
    first: bars(more['first']),
    last: bars(more['last']),
  };
}

function isReport(value: unknown): value is QualityReport {
  const { read_as: as, rows, warnings } = record(value);
  return typeof as === 'object' && as !== null && typeof rows === 'object' && rows !== null && Array.isArray(warnings);
}

/** The first and the last bars, each once, and how many are between them. */
export function ends({ first, last, rows }: Pick<Loaded, 'first' | 'last' | 'rows'>): { first: Bar[]; between: number; last: Bar[] } {
  const newest = first.at(-1)?.timestamp ?? '';
  const others = last.filter((bar) => bar.timestamp > newest);
  return { first, between: Math.max(0, rows - first.length - others.length), last: others };
}

/** Something about a file that cannot be told. */
export interface Doubt {
  code: string;
  message: string;
  instead: string;
}

/** The doubts of a refusal; none if it is about something else. */
export function doubts({ code, details }: { code: string; details: unknown }): Doubt[] {
  const list = code === 'DATA_DOUBTFUL' ? record(details)['doubts'] : null;
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  return records(list).map((one) => ({ code: text(one['code']), message: text(one['message']), instead: text(one['instead']) })).filter((one) => one.code !== '');
}

/** A row that is no bar. */
export interface BadRow {
  line: number | null;
  field: string;
  expected: string;
  got: string;
}

/** The rows of a refusal that are no bars, the first ones, and how many there are. */
export function badRows({ code, details }: { code: string; details: unknown }): { rows: BadRow[]; count: number } {
  if (code !== 'BAD_ROW') return { rows: [], count: 0 };
  const whole = record(details);
  const text = (value: unknown): string => (value === undefined || value === null ? '' : String(value));
  const rows = records(whole['rows']).map((one) => ({
    line: typeof one['line'] === 'number' ? one['line'] : null, field: text(one['field']), expected: text(one['expected']), got: text(one['got']),
  }));
  return { rows, count: typeof whole['count'] === 'number' ? whole['count'] : rows.length };
}

/** A sentence of the server, cut where it names params: `say `, `time_format`, `, such as %d/%m/%Y`. A plain
 * word, such as `columns`, is meant as a param only after `say`, and behind another one. */
export function cutAtParams(text: string, names: readonly string[]): { text: string; param: string | null }[] {
  const parts: { text: string; param: string | null }[] = [];
  let said = false;
  for (const word of text.split(/([a-z_]+)/)) {
    const meant: boolean = names.includes(word) && (said || word.includes('_'));
    if (meant) parts.push({ text: word, param: word });
    else {
      const before = parts.at(-1);
      if (before === undefined || before.param !== null) parts.push({ text: word, param: null });
      else before.text += word;
    }
    if (/^[a-z_]/.test(word)) said = word === 'say' || (said && (meant || word === 'or' || word === 'the' || word === 'another'));
  }
  return parts.filter((part) => part.text !== '');
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function records(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.map(record) : [];
}
