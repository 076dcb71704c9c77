import { describe, expect, it } from 'vitest';
import { badRows, cutAtParams, doubts, ends, loaded, readAs, rowsTold, warningCounts } from '../src/quality.ts';
import type { Bar, QualityReport } from '../src/wire.ts';

const report: QualityReport = {
  file: 'a.zip',
  read_as: {
    packed: ['zip', 'utf-16'], dialect: 'auto', separator: ';', decimal: ',', order: 'descending',
    columns: { volume: 'Vol.', close: 'Schluss', timestamp: 'Datum + Zeit', open: 'Erster' },
    time_format: '%s', time_unit: 'ms', time_zone: 'UTC',
  },
  rows: { read: 1_204, added: 1_200, replaced: 0, dropped: [{ why: 'bad_row', count: 3 }, { why: 'duplicate', count: 1 }, { why: 'other_symbol', count: 0 }] },
  warnings: [],
};

describe('a report of a load', () => {
  it('says what the file was read as, the columns in the order of a bar', () => {
    expect(readAs(report)).toEqual({
      'packed in': 'zip, in it utf-16', dialect: 'auto', separator: 'semicolon  ;', decimal: 'comma  ,',
      columns: ['timestamp: Datum + Zeit', 'open: Erster', 'close: Schluss', 'volume: Vol.'],
      times: '%s in ms', 'time zone': 'UTC', order: 'descending',
    });
    expect(readAs({ ...report, read_as: { ...report.read_as, packed: [], time_unit: null } })).toMatchObject({ times: '%s' });
    expect(readAs({ ...report, read_as: { ...report.read_as, packed: [] } })).not.toHaveProperty('packed in');
  });
  it('says what became of each row, also for a reason that it does not know', () => {
    expect(rowsTold(report.rows)).toEqual(['1,204 read', '1,200 added', '3 left out that are no bars', '1 left out with the time of another one']);
    expect(rowsTold({ read: 2, added: 0, replaced: 1, dropped: [{ why: 'of_mars', count: 1 }] })).toEqual(['2 read', '0 added', '1 replaced', '1 left out of mars']);
  });
  it('counts the warnings of a dataset, also of one that has none yet', () => {
    expect(warningCounts([{ code: 'OUTLIER', count: 1 }, { code: 'OFF_GRID', count: 1_200 }])).toEqual(['OUTLIER at 1 place', 'OFF_GRID at 1,200 places']);
    expect(warningCounts(undefined)).toEqual([]);
  });
});

describe('the output of a load', () => {
  const bar = (timestamp: string): Bar => ({ timestamp, open: 1, high: 1, low: 1, close: 1, volume: 0 });
  const days = (from: number, to: number): Bar[] => Array.from({ length: to - from + 1 }, (_, at) => bar(`2024-01-${String(from + at).padStart(2, '0')}T00:00:00.000Z`));
  it('is known by its report', () => {
    const output = { symbol: 'A', timeframe: '1d', rows: 20, start: '2024-01-01T00:00:00Z', end: '2024-01-20T00:00:00Z', dry_run: true, report, first: days(1, 5), last: days(16, 20) };
    expect(loaded(output)).toMatchObject({ symbol: 'A', rows: 20, dryRun: true, sha256: null, replaced: null });
    for (const other of [null, [], 'x', { ...output, report: null }, { ...output, rows: '20' }, { model_id: 'm' }]) expect(loaded(other)).toBeNull();
  });
  it('shows each of its bars once', () => {
    expect(ends({ rows: 20, first: days(1, 5), last: days(16, 20) })).toMatchObject({ between: 10 });
    const few = ends({ rows: 7, first: days(1, 5), last: days(3, 7) });
    expect([few.first.length, few.between, few.last.map((one) => one.timestamp.slice(8, 10))]).toEqual([5, 0, ['06', '07']]);
    expect(ends({ rows: 3, first: days(1, 3), last: days(1, 3) })).toEqual({ first: days(1, 3), between: 0, last: [] });
    expect(ends({ rows: 0, first: [], last: [] })).toEqual({ first: [], between: 0, last: [] });
  });
});

describe('a refusal of a file', () => {
  it('has its doubts and its bad rows, whatever else the details are', () => {
    const one = { code: 'DAY_OR_MONTH', message: 'cannot be told', instead: 'say time_format' };
    expect(doubts({ code: 'DATA_DOUBTFUL', details: { file: 'a', doubts: [one, {}, 3] } })).toEqual([one]);
    const row = { row: 1, line: 2, field: 'close', expected: 'a number', got: '"null"' };
    expect(badRows({ code: 'BAD_ROW', details: { ...row, count: 30, rows: [row] } })).toEqual({ rows: [{ line: 2, field: 'close', expected: 'a number', got: '"null"' }], count: 30 });
    // An error of an earlier version has one row and no list.
    expect(badRows({ code: 'BAD_ROW', details: row })).toEqual({ rows: [], count: 0 });
    for (const details of [null, 1, [], { doubts: {} }, { rows: 'x' }]) {
      expect(doubts({ code: 'DATA_DOUBTFUL', details })).toEqual([]);
      expect(badRows({ code: 'BAD_ROW', details }).rows).toEqual([]);
      expect(doubts({ code: 'FAILED', details: { doubts: [one] } })).toEqual([]);
    }
  });
  it('names params, which are found where they are meant', () => {
    const names = ['time_format', 'timeframe', 'columns', 'decimal', 'symbol', 'duplicates'];
    const found = (text: string) => cutAtParams(text, names).flatMap((part) => part.param ?? []);
    expect(found('say time_format, such as %d/%m/%Y or %m/%d/%Y')).toEqual(['time_format']);
    expect(found('say the timeframe of the bars, perhaps 6h, or time_format')).toEqual(['timeframe', 'time_format']);
    expect(found('say decimal "." or ","')).toEqual(['decimal']);
    expect(found('expected the columns close, volume; say columns if they have other names')).toEqual(['columns']);
    expect(found('each time once; say duplicates first or last')).toEqual(['duplicates']);
    expect(found('the symbol of the bars')).toEqual([]);
    const text = 'say timeframe or columns, such as {"open": "column 2", …}';
    expect(cutAtParams(text, names).map((part) => part.text).join('')).toBe(text);
  });
});
