// Measures the console in a real browser: how soon the first row is there and, with a thousand running
// dummies, how long its tasks take and whether its heap grows.
//   IMPRESARIOD=target/release/impresariod node e2e/bench.mjs [MINUTES, by default 10]
import { launch, serve } from './support.mjs';

const OPERATIONS = 1_000;
const NAVIGATIONS = 20;
const minutes = Number(process.argv[2] ?? 10);

const quantile = (values, p) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.ceil(values.length * p) - 1)];
const spread = (values) => `${quantile(values, 0.5).toFixed(0)} (${quantile(values, 0.25).toFixed(0)} to ${quantile(values, 0.75).toFixed(0)}, at most ${Math.max(...values).toFixed(0)})`;
const judge = (what, value, most) => console.log(`  ${what.padEnd(52)} ${value}   target <= ${most}   ${parseFloat(value) <= most ? 'met' : 'MISSED'}`);

/** Runs inside the page, before its own scripts. */
function watch() {
  globalThis.tasks = [];
  new PerformanceObserver((list) => globalThis.tasks.push(...list.getEntries().map((task) => task.duration))).observe({ type: 'longtask', buffered: true });
  const rows = new MutationObserver(() => {
    if (document.querySelector('.row:not(.head)') === null) return;
    rows.disconnect();
    // The row must be painted, and not only exist.
    requestAnimationFrame(() => setTimeout(() => { globalThis.firstRow = performance.now(); }));
  });
  rows.observe(document, { subtree: true, childList: true });
}

/** Measures navigations, each in a new page. */
async function firstRows(url) {
  const [afterAnswer, afterNavigation] = [[], []];
  for (let i = 0; i < NAVIGATIONS; i++) {
    const page = await browser.newPage();
    await page.addInitScript(watch);
    await page.goto(url);
    await page.waitForFunction(() => globalThis.firstRow !== undefined);
    const [row, answer] = await page.evaluate(() => [
      globalThis.firstRow,
      performance.getEntriesByType('resource').find((one) => one.name.includes('/api/v1/operations?')).responseEnd,
    ]);
    afterNavigation.push(row);
    afterAnswer.push(row - answer);
    await page.close();
  }
  judge('first row after the answer of GET /operations, ms', spread(afterAnswer), 100);
  judge('first row after the navigation began, ms', spread(afterNavigation), 1_000);
}

const threads = `lanes.default.concurrency=${OPERATIONS}`;
const server = await serve({ args: ['--set', threads, '--set', `lanes.default.queue_limit=${OPERATIONS}`] });
const browser = await launch();
try {
  for (let i = 0; i < OPERATIONS; i++) await server.dummy({ iterations: 0, step_ms: 0 });
  console.log(`idle, ${OPERATIONS} ended operations, ${NAVIGATIONS} navigations: median (quartiles, most)`);
  await firstRows(server.console);
  for (let i = 0; i < OPERATIONS; i++) await server.dummy({ iterations: 100_000, step_ms: 1_000 });
  console.log(`${OPERATIONS} dummies run, a step a second each`);

  await firstRows(server.console);

  const page = await browser.newPage();
  await page.addInitScript(watch);
  await page.goto(`${server.console}#/operations?status=running`);
  await page.waitForFunction(() => globalThis.firstRow !== undefined);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('HeapProfiler.enable');
  const heap = async () => {
    await devtools.send('HeapProfiler.collectGarbage');
    return (await devtools.send('Runtime.getHeapUsage')).usedSize / 1e6;
  };
  for (let shown = 200; shown <= OPERATIONS; shown += 100) {
    await page.getByRole('button', { name: 'Show older' }).click();
    await page.locator('.foot').getByText(`${shown.toLocaleString('en')} of`).waitFor();
  }
  const opened = await page.evaluate(() => globalThis.tasks.splice(0));
  const heaps = [];
  for (let minute = 0; minute <= minutes; minute++) {
    if (minute > 0) await page.waitForTimeout(60_000);
    heaps.push(await heap());
    // The garbage collection is a task of the measurement itself.
    if (minute === 0) await page.evaluate(() => globalThis.tasks.splice(0));
  }
  const tasks = await page.evaluate(() => globalThis.tasks);
  console.log(`${OPERATIONS} rows followed for ${minutes} minutes`);
  judge('the longest task while it opened, ms', Math.max(0, ...opened).toFixed(0), 100);
  judge(`the longest task after it, ms (${tasks.length} over 50)`, Math.max(0, ...tasks).toFixed(0), 100);
  console.log(`  heap after each minute, MB: ${heaps.map((mb) => mb.toFixed(1)).join(' ')}`);
} finally {
  await browser.close();
  await server.stop();
}
