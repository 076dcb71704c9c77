// The options of every start, whatever its kind.
import { params, type Field } from '../../schema.ts';
import type { Fault } from '../../wire.ts';

function option(name: string, label: string, kind: Field['kind'], unit: string, range: string, help: string, fallback = ''): Field {
  return { name, label, kind, required: false, help, unit, range, fallback, choices: [], examples: [], schema: {} };
}

export const OPTIONS: Field[] = [
  option('priority', 'Priority', 'integer', '', '−100 to 100', 'Higher goes first in its lane.', '0'),
  option('labels', 'Labels', 'lines', '', 'key=value, one a line', 'Your own words, to find it by.'),
  option('timeout_seconds', 'Time limit', 'number', 's', 'above 0', "One run's time; past it, it fails."),
  option('max_attempts', 'Attempts', 'integer', '', 'at least 1', 'How often it may be tried.'),
  option('not_before', 'Not before', 'text', '', 'such as 2026-01-31T12:00:00Z', 'It waits until then.'),
];

/** The options of a start, from what was typed. */
export function options(values: Record<string, string>): Record<string, unknown> {
  const made = params(OPTIONS, values);
  return 'labels' in made ? { ...made, labels: Object.fromEntries(lines(values['labels'] ?? '')) } : made;
}

function lines(text: string): [string, string][] {
  const pairs = text.split('\n').map((line) => line.trim()).filter((line) => line !== '');
  return pairs.map((pair) => {
    const cut = pair.indexOf('=');
    return cut < 0 ? [pair, ''] : [pair.slice(0, cut).trim(), pair.slice(cut + 1).trim()];
  });
}

/** Faults in what was typed that the server could not find, because they are lost when it is parsed. */
export function misread(values: Record<string, string>): Fault[] {
  const text = values['labels'] ?? '';
  const fault = (expected: string, got: string): Fault => ({ path: 'options.labels', expected, got: JSON.stringify(got) });
  const bare = text.split('\n').filter((line) => line.trim() !== '' && !line.includes('='));
  const keys = lines(text).map(([key]) => key);
  const twice = keys.filter((key, index) => keys.indexOf(key) !== index);
  return [...bare.map((line) => fault('key=value', line)), ...twice.map((key) => fault('each key once', key))];
}
