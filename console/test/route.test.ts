import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

describe('the path of a dataset', () => {
  let dataset: typeof import('../src/route.ts').dataset;
  beforeAll(async () => {
    vi.stubGlobal('location', { hash: '' });
    vi.stubGlobal('addEventListener', () => {});
    ({ dataset } = await import('../src/route.ts'));
  });
  afterAll(() => vi.unstubAllGlobals());

  it('is two parts, whatever the symbol', () => {
    for (const [symbol, path] of [
      ['GOOG', '/data/GOOG/1mo'],
      ['BTC/USDT', '/data/BTC~USDT/1mo'],
      ['^GSPC', '/data/%5EGSPC/1mo'],
      ['M&M.NS', '/data/M%26M.NS/1mo'],
      ['A+B 100%', '/data/A%2BB%20100%25/1mo'],
      ['../x', '/data/..~x/1mo'],
    ] as const) {
      expect(dataset({ symbol, timeframe: '1mo' })).toBe(path);
    }
  });
});
