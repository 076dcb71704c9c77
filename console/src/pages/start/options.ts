// What every start takes, whatever its kind.
import type { Field } from '../../schema.ts';

function option(name: string, label: string, kind: Field['kind'], unit: string, range: string, help: string, fallback = ''): Field {
  return { name, label, kind, required: false, help, unit, range, fallback, choices: [], schema: {} };
}

export const OPTIONS: Field[] = [
  option('priority', 'Priority', 'integer', '', '−100 to 100', 'Higher goes first in its lane.', '0'),
  option('labels', 'Labels', 'text', '', 'key=value, by comma', 'Your own words, to find it by.'),
  option('timeout_seconds', 'Time limit', 'number', 's', 'above 0', "One run's time; past it, it fails."),
  option('max_attempts', 'Attempts', 'integer', '', 'at least 1', 'How often it may be tried.'),
  option('not_before', 'Not before', 'text', '', 'such as 2026-01-31T12:00:00Z', 'It waits until then.'),
];

/** The options of a start, from what was typed. */
export function options(values: Record<string, string>): Record<string, unknown> {
  const made: Record<string, unknown> = {};
  for (const { name, kind } of OPTIONS) {
    const text = (values[name] ?? '').trim();
    if (text === '') continue;
    const number = Number(text.replace('−', '-'));
    if (name === 'labels') made[name] = labels(text);
    else made[name] = kind === 'text' || Number.isNaN(number) ? text : number;
  }
  return made;
}

function labels(text: string): Record<string, string> {
  const pairs = text.split(',').map((part) => part.trim()).filter((part) => part !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const cut = pair.indexOf('=');
      return cut < 0 ? [pair, ''] : [pair.slice(0, cut).trim(), pair.slice(cut + 1).trim()];
    }),
  );
}
