// Formats numbers, times and names for people, the same everywhere and no wider than needed.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** `8,214`. */
export function count(value: number): string {
  return whole.format(value);
}

/** Where a checkpoint was taken: `epoch 3, batch 12`. */
export function steps(at: Record<string, number>): string {
  const all = Object.entries(at).map(([name, value]) => `${name} ${count(value)}`);
  return all.length === 0 ? 'whole' : all.join(', ');
}

/** `0:00:41`, `3 d 4:05:06`. */
export function duration(seconds: number): string {
  const all = Math.max(0, Math.floor(seconds));
  const days = Math.floor(all / 86_400);
  const two = (value: number): string => String(value).padStart(2, '0');
  const clock = `${Math.floor((all % 86_400) / 3_600)}:${two(Math.floor((all % 3_600) / 60))}:${two(all % 60)}`;
  return days > 0 ? `${days} d ${clock}` : clock;
}

/** A duration in the unit that fits: `3 ms`, `4.2 s`, `2 m 05 s`, `3 h 20 m`. */
export function span(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds < 0.9995) return `${Math.round(Math.max(0, seconds) * 1_000)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const all = Math.round(seconds);
  if (all < 3_600) return `${Math.floor(all / 60)} m ${String(all % 60).padStart(2, '0')} s`;
  const minutes = Math.round(all / 60);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} m`;
  const hours = Math.round(all / 3_600);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Milliseconds, possibly far below one: `0.4 ms`. */
export function millis(value: number | null): string {
  if (value === null) return '–';
  if (value < 0.095) return `${Math.round(value * 1_000)} µs`;
  return value < 9.95 ? `${value.toFixed(1)} ms` : `${count(value)} ms`;
}

/** A measured number in short form: `0.6814`, `1.3e-7`, `12,034`. */
export function measure(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 1e9 || size < 1e-4) return value.toExponential(2);
  if (size >= 1_000) return count(value);
  return String(Number(value.toPrecision(4)));
}

/** Formats the values of a list with as many decimals as the longest of them has, so that none is cut and all
 * are aligned. */
export function exact(values: readonly (number | null)[]): (value: number | null | undefined) => string {
  let most = 0;
  for (const value of values) {
    if (value === null || !Number.isFinite(value) || most === LONGEST) continue;
    most = Math.min(LONGEST, Math.max(most, decimals(value)));
  }
  const written = new Intl.NumberFormat('en', { minimumFractionDigits: most, maximumFractionDigits: most });
  return (value) => (value === null || value === undefined || !Number.isFinite(value) ? '–' : written.format(value));
}

/** The most decimals that make sense for a price. */
const LONGEST = 10;

/** The number of decimals of a number. */
function decimals(value: number): number {
  const [digits = '', power = '0'] = String(value).split('e');
  return Math.max(0, (digits.split('.')[1] ?? '').length - Number(power));
}

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 4 });

/** A number on an axis in short form: `12M`, `0.65`; exact enough for steps of `step`, so that all ticks
 * differ. */
export function tickText(value: number, step: number): string {
  const size = Math.abs(value);
  if (size >= 10_000 && size < 1e15 && step >= size / 1_000) return compact.format(value);
  if (!(step > 0) || size >= 1e15 || (size > 0 && size < 1e-4)) return measure(value);
  return value.toLocaleString('en', { maximumFractionDigits: Math.min(LONGEST, decimals(step)) });
}

/** `1st`, `2nd`, `1,000th`. */
export function ordinal(value: number): string {
  const end = { one: 'st', two: 'nd', few: 'rd', other: 'th', zero: 'th', many: 'th' }[ordinals.select(value)];
  return `${count(value)}${end}`;
}

const ordinals = new Intl.PluralRules('en', { type: 'ordinal' });

export function percent(value: number): string {
  return `${Math.floor(value)} %`;
}

/** A share of 1 as `52.8 %`. */
export function share(value: number): string {
  return `${(value * 100).toFixed(1)} %`;
}

export function bytes(value: number): string {
  if (value < 1_000) return `${value} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let size = value;
  let unit = -1;
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1_000;
    unit++;
  }
  return `${size < 9.95 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}

/** The short form of an id: its last 8 characters. */
export function short(id: string): string {
  return id.slice(-8);
}

/** `12:00:01.220`, in the reader's zone. */
export function clock(time: string): string {
  const at = new Date(time);
  const two = (value: number, digits = 2): string => String(value).padStart(digits, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${two(at.getMilliseconds(), 3)}`;
}

/** `2026-11-24 12:00:01`, in the reader's zone. */
export function moment(time: string): string {
  const at = new Date(time);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock(time).slice(0, 8)}`;
}

/** A sentence of the server, with its times in the reader's zone. */
export function zoned(text: string): string {
  return text.replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, moment);
}

/** Whether times, in seconds since 1970, are all days of UTC. */
export function areDays(times: readonly number[]): boolean {
  return times.every((time) => time % 86_400 === 0);
}

/** `2004-08-19 to 2013-03-01`: two times of market data, by the same rule as those of bars. */
export function period(start: string, end: string): string {
  const both = [start, end].map((time) => Date.parse(time) / 1_000);
  return both.map(instants(both)).join(' to ');
}

/** Formats the times of bars in UTC: as days if all of them are days. */
export function instants(times: readonly number[]): (time: number) => string {
  const length = areDays(times) ? 10 : 16;
  return (time) => new Date(time * 1_000).toISOString().slice(0, length).replace('T', ' ');
}
