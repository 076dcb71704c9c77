// Numbers, times and names as people read them. Everywhere the same, and never wider than needed.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** `8,214`. */
export function count(value: number): string {
  return whole.format(value);
}

/** `0:00:41`, `3 d 4:05:06`. */
export function duration(seconds: number): string {
  const all = Math.max(0, Math.floor(seconds));
  const days = Math.floor(all / 86_400);
  const two = (value: number): string => String(value).padStart(2, '0');
  const clock = `${Math.floor((all % 86_400) / 3_600)}:${two(Math.floor((all % 3_600) / 60))}:${two(all % 60)}`;
  return days > 0 ? `${days} d ${clock}` : clock;
}

/** How long something took or takes, in the unit that fits: `3 ms`, `4.2 s`, `2 m 05 s`, `3 h 20 m`. */
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

/** Milliseconds that may be far below one: `0.4 ms`. */
export function millis(value: number | null): string {
  if (value === null) return '–';
  if (value < 0.095) return `${Math.round(value * 1_000)} µs`;
  return value < 9.95 ? `${value.toFixed(1)} ms` : `${count(value)} ms`;
}

/** A measured number, short: `0.6814`, `1.3e-7`, `12,034`. */
export function measure(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 1e9 || size < 1e-4) return value.toExponential(2);
  if (size >= 1_000) return count(value);
  return String(Number(value.toPrecision(4)));
}

/** How to write the values of a list: with as many decimals as the longest of them has, so that none
 * is cut and all line up. */
export function exact(values: readonly (number | null)[]): (value: number | null | undefined) => string {
  let most = 0;
  for (const value of values) {
    if (value === null || !Number.isFinite(value) || most === LONGEST) continue;
    most = Math.min(LONGEST, Math.max(most, decimals(value)));
  }
  const written = new Intl.NumberFormat('en', { minimumFractionDigits: most, maximumFractionDigits: most });
  return (value) => (value === null || value === undefined || !Number.isFinite(value) ? '–' : written.format(value));
}

/** More decimals than this say nothing that a price can mean. */
const LONGEST = 10;

/** Decimals of a number as it was written. */
function decimals(value: number): number {
  const [digits = '', power = '0'] = String(value).split('e');
  return Math.max(0, (digits.split('.')[1] ?? '').length - Number(power));
}

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 4 });

/** A number on an axis, where there is little room: `12M`, `0.65`; in steps of `step`, so that no two
 * ticks read alike. */
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

/** What people call an id: its last 8 characters. */
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

/** A sentence of the server's, with the times in it in the reader's zone. */
export function zoned(text: string): string {
  return text.replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, moment);
}

/** Whether times, in seconds since 1970, are all days of UTC. */
export function areDays(times: readonly number[]): boolean {
  return times.every((time) => time % 86_400 === 0);
}

/** How to write the times of bars, in UTC as the data has them: days where all of them are. */
export function instants(times: readonly number[]): (time: number) => string {
  const length = areDays(times) ? 10 : 16;
  return (time) => new Date(time * 1_000).toISOString().slice(0, length).replace('T', ' ');
}

/** A market's day, in UTC as the data has it. */
export function day(time: string): string {
  return time.slice(0, 10);
}
