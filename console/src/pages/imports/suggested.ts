// What the name of a file suggests about its bars, where that is clear.

export interface Suggested {
  symbol: string;
  timeframe: string;
}

/** The ends of names that say what a file is packed in or how it is written, not what is in it. */
const ENDINGS = /\.(csv|txt|tsv|gz|zip|parquet|pq|prn|asc)$/i;

const WORDS: Record<string, string> = { daily: '1d', day: '1d', hourly: '1h', weekly: '1w', monthly: '1mo' };

/** `1d` for `1d`, `1D`, `D1` and `daily`; empty for anything else. `1M` may be a minute or a month. */
function timeframe(word: string): string {
  const known = WORDS[word.toLowerCase()];
  if (known !== undefined) return known;
  // As MetaTrader writes them.
  const turned = /^(M|H|D|W|MN)([1-9]\d?)$/.exec(word);
  if (turned !== null) return `${turned[2]}${turned[1] === 'MN' ? 'mo' : turned[1]!.toLowerCase()}`;
  const found = /^([1-9]\d{0,3})(s|sec|m|min|mins|minutes?|h|hours?|d|days?|w|weeks?|mo|months?)$/.exec(/^\d+M$/.test(word) ? '' : word.toLowerCase());
  if (found === null) return '';
  const unit = found[2]!;
  return `${found[1]}${unit.startsWith('mo') ? 'mo' : unit[0]}`;
}

export function suggested(name: string): Suggested {
  let stem = name.slice(name.lastIndexOf('/') + 1);
  while (ENDINGS.test(stem)) stem = stem.replace(ENDINGS, '');
  // The server's own names of files have symbols percent-encoded.
  try {
    stem = decodeURIComponent(stem);
  } catch {
    // It is no such name.
  }
  const found = [...stem.matchAll(/[^_\s-]+/g)].filter(({ 0: word }) => timeframe(word) !== '');
  const [only] = found;
  if (only === undefined) return { symbol: ticker(stem), timeframe: '' };
  if (found.length > 1) return { symbol: '', timeframe: '' };
  const before = stem.slice(0, only.index);
  return { symbol: symbol(before), timeframe: timeframe(only[0]) };
}

/** A symbol in front of a timeframe: more than one word may be a source, a symbol and a date. */
function symbol(before: string): string {
  const bare = before.replace(/[_\s-]+$/, '');
  return /^[^_\s]{1,64}$/.test(bare) ? bare : '';
}

/** A whole name that is a symbol: one in capitals, as those of words such as `prices` are not. */
function ticker(stem: string): string {
  return /^\^?[A-Z0-9][A-Z0-9.&=/-]{0,15}$/.test(stem) && /[A-Z]/.test(stem) ? stem : '';
}
