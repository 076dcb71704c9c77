// Makes the three pictures of docs/ with a busy server. IMPRESARIOD names one with the feature training.
import { join } from 'node:path';
import { launch, serve } from './support.mjs';

const docs = join(import.meta.dirname, '../../docs');
const server = await serve();
const browser = await launch();

async function shoot(name, hash) {
  const page = await browser.newPage({ viewport: { width: 1000, height: 500 }, colorScheme: 'light' });
  await page.goto(server.console + hash);
  await page.locator('h1').first().waitFor();
  await page.waitForTimeout(1_500);
  await page.screenshot({ path: join(docs, `${name}.png`) });
  await page.close();
}

try {
  await server.post('/data/load?wait=30', { symbol: 'GOOG', timeframe: '1d' });
  const data = { symbol: 'GOOG', timeframe: '1d' };
  await server.post('/training/start?wait=60', { ...data, epochs: 30 });
  const training = (await server.post('/training/start', { ...data, epochs: 3_000, patience: 1_000_000, learning_rate: 0.0002 })).operation_id;
  const cancelled = await server.dummy({ iterations: 400, step_ms: 20 }, { labels: { experiment: 'a' } });
  const paused = await server.dummy({ iterations: 300, step_ms: 20 }, { labels: { experiment: 'b' } });
  await server.get(`/operations/${paused}/events?since=1&wait=5`);
  await new Promise((done) => setTimeout(done, 1_500));
  await server.post(`/operations/${cancelled}/cancel?wait=5`, { reason: 'wrong symbol' });
  await server.post(`/operations/${paused}/pause?wait=5`, { reason: 'lunch' });
  await server.dummy({ iterations: 400, step_ms: 100 });
  await server.dummy({ iterations: 90, step_ms: 300 });
  await server.dummy({ iterations: 90, step_ms: 300 });
  await shoot('console-operations', '#/operations');
  await shoot('console-operation', `#/operations/${training}`);
  await shoot('console-start', '#/start?kind=training&symbol=GOOG&timeframe=1d');
} finally {
  await browser.close();
  await server.stop();
}
