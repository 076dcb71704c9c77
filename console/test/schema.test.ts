import { describe, expect, it } from 'vitest';
import { cli, curl } from '../src/commands.ts';
import { changed, fields, owner, params } from '../src/schema.ts';
import type { Kind } from '../src/wire.ts';

const kind: Kind = {
  kind: 'sample', description: '', lane: 'default', verbs: [], output_schema: {}, fork_params: [],
  params_schema: {
    properties: {
      step_ms: { type: 'integer', minimum: 0, maximum: 3_600_000, default: 2000, description: 'A rest.' },
      rate: { type: 'number', exclusiveMinimum: 0, default: 0.001 },
      layers: { type: 'array', items: { type: 'integer', minimum: 1, maximum: 4096 }, maxItems: 16, default: [64, 32] },
      file: { type: ['string', 'null'], maxLength: 255 },
      frame: { $ref: '#/$defs/Frame' },
      flag: { anyOf: [{ type: 'boolean' }, { type: 'null' }] },
      symbol: { type: 'string', pattern: '^[A-Z]+$' },
      bar: { type: 'string', pattern: '^([1-9]d|[1-9]w)$', 'x-expected': 'a number and d or w', examples: ['1d', '1w'] },
      extra: { type: 'object' },
      seed: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    },
    required: ['symbol'],
    $defs: { Frame: { oneOf: [{ const: '1d' }, { const: '1w' }] } },
  },
};

describe('a form from a schema', () => {
  const list = fields(kind);
  const of = (name: string) => list.find((one) => one.name === name)!;

  it('asks first for what is needed', () => {
    expect(list[0]).toMatchObject({ name: 'symbol', required: true, kind: 'text', range: 'matches ^[A-Z]+$' });
  });
  it('knows units, ranges and defaults', () => {
    expect(of('step_ms')).toMatchObject({ label: 'Step', unit: 'ms', range: '0 to 3,600,000', fallback: '2000', help: 'A rest.' });
    expect(of('rate')).toMatchObject({ kind: 'number', range: 'above 0', fallback: '0.001' });
    expect(of('layers')).toMatchObject({ kind: 'list', range: 'at most 16, each 1 to 4,096, by comma', fallback: '64, 32' });
    expect(of('seed').range).toBe('0 to 2^53 − 1');
  });
  it('sees through nulls, references and choices', () => {
    expect(of('file')).toMatchObject({ kind: 'text', required: false });
    expect(of('frame')).toMatchObject({ kind: 'choice', choices: ['1d', '1w'] });
    expect(of('flag').kind).toBe('switch');
    expect(of('extra').kind).toBe('json');
  });
  it('says what is expected in the words of the kind, and offers its examples', () => {
    expect(of('bar')).toMatchObject({ kind: 'text', range: 'a number and d or w', examples: ['1d', '1w'] });
    expect(of('symbol').examples).toEqual([]);
  });
  it('sends what was typed: numbers as numbers, what is none as it is, nothing for nothing', () => {
    const typed = { step_ms: '-3', rate: '1e-4', layers: '8, x', symbol: ' 123 ', flag: 'false', extra: '{"a": 1}', file: '  ' };
    expect(params(list, typed)).toEqual({ step_ms: -3, rate: 0.0001, layers: [8, 'x'], symbol: '123', flag: false, extra: { a: 1 } });
    expect(params(list, { rate: '1e400', layers: '8, 1e400', extra: '{"a": [1e400]}' })).toEqual({ rate: '1e400', layers: [8, '1e400'], extra: '{"a": [1e400]}' });
    expect(params(list, { layers: 'none', step_ms: 'soon' })).toEqual({ layers: [], step_ms: 'soon' });
  });
  it('finds the field that a fault belongs to', () => {
    expect(['layers[1]', 'extra.a.b', 'symbol', 'extra/a', ''].map(owner)).toEqual(['layers', 'extra', 'symbol', 'extra', '']);
  });
});

describe('a fork', () => {
  const list = fields(kind).filter((one) => one.name === 'rate' || one.name === 'step_ms');
  it('sends the params alone that were typed otherwise', () => {
    const was = { rate: '0.001', step_ms: '2000' };
    expect(changed(list, was, was)).toEqual({});
    expect(changed(list, was, { ...was, rate: ' 0.0003 ' })).toEqual({ rate: 0.0003 });
    expect(changed(list, was, { rate: '', step_ms: '2000 ' })).toEqual({});
    expect(changed(list, {}, { step_ms: 'many' })).toEqual({ step_ms: 'many' });
  });
});

describe('the same start in a terminal', () => {
  const start = { kind: 'sample', params: { symbol: '123', note: "it's $HOME", layers: [8, 4] }, options: { labels: { a: 'b c' }, timeout_seconds: 30 } };
  it('is quoted so that a shell changes nothing', () => {
    expect(curl('http://h:1', start, false)).toContain(`-d '{"kind":"sample","params":{"symbol":"123","note":"it'\\''s $HOME"`);
    expect(curl('http://h:1', start, true)).toContain('Bearer $IMPRESARIO_TOKEN');
  });
  it('says that a text which looks like a number is a text', () => {
    expect(cli('http://h:1', start)).toBe(
      `impresario --url http://h:1 start sample --param 'symbol="123"' --param 'note=it'\\''s $HOME' --param 'layers=[8,4]' --label 'a=b c' --timeout 30s`,
    );
  });
  it('puts a value that begins with a dash into the word of its option, as the client needs it', () => {
    const dashes = { kind: 'sample', params: { '-x': 1 }, options: { labels: { '-k': 'a=b', k: '-v' }, priority: -5, not_before: '-soon' } };
    expect(cli('http://h:1', dashes)).toBe('impresario --url http://h:1 start sample --param=-x=1 --label=-k=a=b --label k=-v --priority=-5 --not-before=-soon');
  });
});
