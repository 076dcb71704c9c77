// Makes pictures of every page, light and dark, wide and narrow, empty and full, for people to check.
// IMPRESARIOD names the server; one with the feature training shows more.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { launch, serve } from './support.mjs';

const folder = process.env.SHOTS ?? join(import.meta.dirname, 'shots');
mkdirSync(folder, { recursive: true });
const browser = await launch();
const server = await serve({ args: ['--set', 'lanes.default.queue_limit=5000'] });

async function shoot(name, hash, { dark = false, narrow = false, act } = {}) {
  const page = await browser.newPage({
    viewport: narrow ? { width: 390, height: 844 } : { width: 1280, height: 800 },
    colorScheme: dark ? 'dark' : 'light',
  });
  page.on('pageerror', (error) => console.log(`${name}: ${error.message}`));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !/WebSocket|404/.test(message.text())) console.log(`${name}: ${message.text()}`);
  });
  await page.goto(server.console + hash);
  await page.waitForLoadState('load');
  await page.locator('h1, .empty h2').first().waitFor();
  await page.waitForTimeout(900);
  if (act) await act(page);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (wide > 0) console.log(`${name}: ${wide} px too wide`);
  await page.screenshot({ path: join(folder, `${name}.png`) });
  await page.close();
}

async function everywhere(name, hash, more = {}) {
  await shoot(`${name}-light`, hash, more);
  await shoot(`${name}-dark`, hash, { ...more, dark: true });
  await shoot(`${name}-narrow`, hash, { ...more, narrow: true, dark: true });
}

try {
  await everywhere('empty-operations', '#/operations');
  await shoot('empty-data', '#/data');
  await shoot('empty-models', '#/models');
  const kinds = (await server.get('/kinds')).map((one) => one.kind);
  await server.post('/data/load?wait=30', { symbol: 'GOOG', timeframe: '1d' });
  await everywhere('load', '#/data/imports?file=GOOG_1d.csv', {
    act: async (page) => {
      await page.getByRole('button', { name: 'Dry run' }).click();
      await page.locator('.trial .report').waitFor();
    },
  });
  let training = null;
  if (kinds.includes('training')) {
    await server.post('/training/start?wait=60', { symbol: 'GOOG', timeframe: '1d', epochs: 40, patience: 40 });
    training = (await server.post('/training/start', { symbol: 'GOOG', timeframe: '1d', epochs: 2500, patience: 1000000, learning_rate: 0.0002 })).operation_id;
    await server.post('/training/start', { symbol: 'GOOG', timeframe: '1d', epochs: 60 });
  }
  const cancelled = await server.dummy({ iterations: 40, step_ms: 20 });
  await server.post(`/operations/${cancelled}/cancel?wait=5`, { reason: 'wrong symbol' });
  const paused = await server.dummy({ iterations: 300, step_ms: 10 }, { labels: { experiment: 'a' } });
  await server.post(`/operations/${paused}/pause?wait=5`, { reason: 'lunch' });
  await server.post(`/operations/${paused}/resume`);
  const running = await server.dummy({ iterations: 400, step_ms: 100 }, { labels: { experiment: '<img src=x onerror=alert(1)>' } });
  for (let i = 0; i < 4; i++) await server.dummy({ iterations: 100, step_ms: 1500 });
  await everywhere('operations', '#/operations');
  await everywhere('operation', `#/operations/${training ?? running}`);
  await everywhere('dummy', `#/operations/${running}`);
  await shoot('cancelled', `#/operations/${cancelled}`);
  await everywhere('start', '#/start?kind=' + (training === null ? 'dummy' : 'training'));
  await shoot('start-faults', '#/start?kind=dummy', {
    act: async (page) => {
      await page.getByLabel('Iterations').fill('-3');
      await page.getByLabel('Step').fill('soon');
      await page.getByRole('button', { name: 'Start dummy' }).click();
      await page.locator('.fault').first().waitFor();
    },
  });
  await everywhere('supervision', '#/supervision');
  await everywhere('data', '#/data');
  await everywhere('models', '#/models');
  if (training !== null) {
    const { models } = await server.get('/models');
    await everywhere('model', `#/models/${models[0].model_id}`);
  }
  await shoot('dialog', '#/operations', {
    dark: true,
    act: async (page) => {
      await page.keyboard.press('j');
      await page.keyboard.press('x');
      await page.keyboard.press('j');
      await page.keyboard.press('x');
      await page.keyboard.press('c');
      await page.locator('dialog').waitFor();
    },
  });
  await shoot('absent', '#/operations/op_0000000000000');
  await Promise.all(Array.from({ length: 1_000 }, () => server.dummy({ iterations: 100, step_ms: 1000 })));
  await everywhere('thousand', '#/operations');
} finally {
  await browser.close();
  await server.stop();
}
