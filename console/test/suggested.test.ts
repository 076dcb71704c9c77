import { describe, expect, it } from 'vitest';
import { suggested } from '../src/pages/imports/suggested.ts';

describe('the name of a file', () => {
  it('suggests a symbol and a timeframe where they are clear', () => {
    for (const [name, symbol, timeframe] of [
      ['GOOG_1d.csv', 'GOOG', '1d'],
      ['GOOG.csv', 'GOOG', ''],
      ['^GSPC_1D.csv', '^GSPC', '1d'],
      ['BTCUSDT-1m-2024-01-02.zip', 'BTCUSDT', '1m'],
      ['BTC%2FUSDT_1h.csv.gz', 'BTC/USDT', '1h'],
      ['EURUSD_M1.csv', 'EURUSD', '1m'],
      ['EURUSD_MN1.csv', 'EURUSD', '1mo'],
      ['aapl_5min.parquet', 'aapl', '5m'],
      ['BRK.B daily.txt', 'BRK.B', '1d'],
      ['M&M.NS_1mo.csv', 'M&M.NS', '1mo'],
      ['sub/AAPL_4h.csv', 'AAPL', '4h'],
    ]) expect({ name, ...suggested(name!) }).toEqual({ name, symbol, timeframe });
  });
  it('suggests nothing where they are not', () => {
    for (const [name, symbol, timeframe] of [
      ['prices.csv', '', ''],
      ['DAT_ASCII_EURUSD_M1_2023.csv', '', '1m'],
      // A minute or a month.
      ['GOOG_1M.csv', '', ''],
      ['GOOG_1d_1h.csv', '', ''],
      ['1d.csv', '', '1d'],
      ['2024.csv', '', ''],
      ['%zz.csv', '', ''],
      ['', '', ''],
    ]) expect({ name, ...suggested(name!) }).toEqual({ name, symbol, timeframe });
  });
});
