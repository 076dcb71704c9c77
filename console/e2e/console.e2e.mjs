// Tests the console in a real browser against a real server: what a person does and sees.
// IMPRESARIOD names the server's binary, CHROMIUM the browser.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import axe from 'axe-core';
import { behind, browserPath, launch, serve } from './support.mjs';

const missing = browserPath() === null;
if (missing && process.env.CI === 'true') throw new Error('no Chromium: the console cannot be tested');
if (missing) console.error('\n!!! THE CONSOLE WAS NOT TESTED IN A BROWSER: no Chromium was found (apt-get install chromium) !!!\n');

let browser;
before(async () => {
  if (!missing) browser = await launch();
});
after(() => browser?.close());

/** A test with a server and a page of its own. No request may leave the machine, and none may fail. */
function story(name, tell, options = {}) {
  test(name, { skip: missing, timeout: 120_000 }, async () => {
    const server = await serve(options);
    const context = await browser.newContext({ colorScheme: options.dark ? 'dark' : 'light' });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const wrong = [];
    page.on('pageerror', (error) => wrong.push(error.message));
    page.on('console', (message) => /Content Security Policy/.test(message.text()) && wrong.push(message.text()));
    page.on('request', (request) => request.url().startsWith(server.url) || wrong.push(`asked ${request.url()}`));
    try {
      await tell(page, server, wrong);
      assert.deepEqual(wrong, []);
    } finally {
      await context.close();
      await server.stop();
    }
  });
}

const badge = (page) => page.locator('.head .badge');
const row = (page, id) => page.locator(`#row-${id}`);
const progress = async (page) => Number(await page.locator('.head [role=progressbar]').getAttribute('aria-valuenow'));

/** The faults of the page for who cannot see or point that are serious. */
async function faults(page) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  const bad = violations.filter((one) => one.impact === 'serious' || one.impact === 'critical');
  return bad.map((one) => `${one.id}: ${one.nodes[0].html} ${one.nodes[0].failureSummary}`);
}

/** Waits until a condition on the page is true. */
async function until(page, what) {
  await page.waitForFunction(what, undefined, { polling: 50 });
}

async function confirm(page, verb, reason = '') {
  await page.locator('.head').getByRole('button', { name: verb }).click();
  await page.locator('dialog').getByLabel('Reason').fill(reason);
  await page.keyboard.press('Enter');
  await page.locator('dialog').waitFor({ state: 'detached' });
}

/** The number of charts on the page. */
const curves = (page) => page.locator('.metrics canvas, .u-wrap canvas').count();

story('a training is started from the form, its bar moves, its chart grows, and it is finished early', async (page, server) => {
  const kinds = await server.get('/kinds');
  if (!kinds.some((kind) => kind.kind === 'training')) {
    console.error('\n!!! NO TRAINING WAS STARTED FROM THE FORM: this server was built without it !!!\n');
    return;
  }
  await server.post('/data/load?wait=60', { symbol: 'GOOG', timeframe: '1d' });
  await page.goto(`${server.console}#/start`);
  await page.getByRole('button', { name: /training/ }).first().click();
  await page.getByLabel('Symbol').fill('GOOG');
  await page.getByLabel('Timeframe').fill('1d');
  await page.getByLabel('Epochs').fill('2000');
  await page.getByLabel('Patience').fill('2000');
  await page.getByRole('button', { name: 'Start training' }).click();
  await badge(page).getByText('running').waitFor();
  await page.locator('.u-wrap').first().waitFor();
  assert.ok((await curves(page)) > 0);
  const id = /op_[0-9a-z]{13}/.exec(page.url())?.[0];
  const points = async () => Object.values((await server.get(`/operations/${id}/metrics`)).series).reduce((sum, series) => sum + series.length, 0);
  const first = await points();
  await until(page, () => Number(document.querySelector('.head [role=progressbar]')?.getAttribute('aria-valuenow')) >= 1);
  while ((await points()) <= first) await page.waitForTimeout(20);
  await confirm(page, /Finish/, 'good enough');
  await badge(page).getByText('completed').waitFor();
  const view = await server.get(`/operations/${id}`);
  assert.equal(view.stop.verb, 'finish');
  assert.ok(view.result_summary.model_id ?? view.result_summary.model, JSON.stringify(view.result_summary));
});

story('a dummy is started from the form, watched, paused, resumed and cancelled', async (page, server) => {
  await page.goto(server.console);
  await page.getByText('No operations yet').waitFor();
  await page.getByRole('link', { name: 'fill in a form' }).click();
  await page.getByRole('button', { name: /dummy/ }).first().click();
  await page.getByLabel('Iterations').fill('-1');
  await page.getByRole('button', { name: 'Start dummy' }).click();
  await page.locator('.entry.wrong .fault').getByText('expected an integer from 0').waitFor();
  await page.getByLabel('Iterations').fill('1000');
  await page.getByLabel('Step').fill('40');
  await page.getByRole('button', { name: 'Start dummy' }).click();
  await badge(page).getByText('running').waitFor();
  const first = await progress(page);
  await until(page, () => Number(document.querySelector('.head [role=progressbar]')?.getAttribute('aria-valuenow')) >= 1);
  assert.ok((await progress(page)) > first || first >= 1);

  await page.reload();
  await badge(page).getByText('running').waitFor();
  await confirm(page, 'Pause', 'lunch');
  await badge(page).getByText('paused').waitFor();
  await page.locator('.timeline').getByText('lunch').waitFor();
  await confirm(page, 'Resume');
  await badge(page).getByText('running').waitFor();
  await page.locator('.timeline').getByText('run 2 goes on from iteration').waitFor();
  await confirm(page, 'Cancel', 'wrong symbol');
  await badge(page).getByText('cancelled').waitFor();
  await page.getByText(/cancel asked by .*: wrong symbol; the function reacted in/).waitFor();
  assert.deepEqual(await page.locator('.head .actions button').allInnerTexts(), ['Resume…', 'Retry…', 'Fork…'], 'only what would do something');
});

story('a filter stays in the address, and rows change under it', async (page, server) => {
  const ended = await server.dummy({ iterations: 0, step_ms: 0 });
  const running = await server.dummy({ iterations: 10, step_ms: 3_600_000 });
  await page.goto(`${server.console}#/operations?status=running`);
  await row(page, running).waitFor();
  assert.equal(await row(page, ended).count(), 0);
  await page.getByLabel('Status').selectOption('completed');
  await row(page, ended).waitFor();
  await until(page, () => location.hash.includes('status=completed'));
  await page.reload();
  await row(page, ended).waitFor();
  assert.equal(await page.getByLabel('Status').inputValue(), 'completed');
  await page.getByLabel('Status').selectOption('paused');
  await page.getByText('No operation fits this filter').waitFor();
  const later = await server.dummy({ iterations: 0 }, { not_before: '2999-12-31T12:00:00Z' });
  await page.getByLabel('Status').selectOption('scheduled');
  await row(page, later).getByText(/waits: until 2999-12-31 \d\d:00:00$/).waitFor();
  await page.reload();
  await row(page, later).waitFor();
  assert.equal(await page.getByLabel('Status').inputValue(), 'scheduled');
  assert.equal(await row(page, running).count(), 0);
});

story('a status chosen while one still types stays chosen', async (page, server) => {
  const label = { labels: { experiment: 'night' } };
  const running = await server.dummy({ iterations: 10, step_ms: 3_600_000 }, label);
  const pending = await server.dummy({ iterations: 10, step_ms: 3_600_000 }, label);
  await page.goto(server.console);
  await row(page, running).waitFor();
  // This runs inside the page, because a test is slower than a person from outside.
  await page.evaluate(async () => {
    const type = (element, value, what) => {
      element.value = value;
      element.dispatchEvent(new Event(what, { bubbles: true }));
    };
    type(document.querySelector('input[type=search]'), 'nig', 'input');
    await new Promise((done) => setTimeout(done, 50));
    type(document.querySelector('select[aria-label=Status]'), 'pending', 'change');
  });
  await row(page, running).waitFor({ state: 'detached' });
  await row(page, pending).waitFor();
  // Longer than the pause after which a typed filter takes effect.
  await page.waitForTimeout(400);
  assert.match(page.url(), /status=pending&q=nig/);
  assert.equal(await page.getByLabel('Status').inputValue(), 'pending');
  assert.equal(await page.getByRole('searchbox').inputValue(), 'nig');
  assert.equal(await row(page, running).count(), 0);
}, { args: ['--set', 'lanes.default.concurrency=1'] });

story('what is selected is what is shown: it ends with the filter, and who leaves the list is not hit', async (page, server) => {
  const ids = [];
  for (let i = 0; i < 4; i++) ids.push(await server.dummy({ iterations: 10, step_ms: 3_600_000 }));
  await page.goto(`${server.console}#/operations?status=pending`);
  await row(page, ids[3]).waitFor();
  await page.getByLabel('Select all').check();
  await page.getByText('3 selected').waitFor();
  const verbs = await page.getByRole('toolbar').getByRole('button').allInnerTexts();
  assert.deepEqual(verbs.map((text) => text.replace(/ ?\d*…/, '')), ['Cancel', 'Pause', 'Finish', 'Resume', 'Start now', 'Retry', 'Select none']);
  // The next one of the queue runs, so it is not pending any more.
  await server.post(`/operations/${ids[0]}/cancel?wait=10`);
  await row(page, ids[1]).waitFor({ state: 'detached' });
  await page.getByText('2 selected').waitFor();
  await page.keyboard.press('c');
  await page.getByRole('heading', { name: 'Cancel 2: 2 pending' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByLabel('Status').selectOption('');
  await row(page, ids[0]).waitFor();
  assert.equal(await page.getByRole('toolbar').count(), 0);
}, { args: ['--set', 'lanes.default.concurrency=1'] });

story('new rows wait while one looks, and say how many they are', async (page, server) => {
  const first = await server.dummy({ iterations: 10, step_ms: 3_600_000 });
  await page.goto(server.console);
  await row(page, first).hover();
  const before = await row(page, first).boundingBox();
  const ids = [];
  for (let i = 0; i < 3; i++) ids.push(await server.dummy({ iterations: 10, step_ms: 3_600_000 }));
  await page.getByRole('button', { name: '3 new' }).waitFor();
  assert.deepEqual(await row(page, first).boundingBox(), before, 'it did not move');
  await page.getByRole('button', { name: '3 new' }).click();
  for (const id of ids) await row(page, id).waitFor();
});

story('many are cancelled at once, after the dialog has shown them', async (page, server) => {
  for (let i = 0; i < 5; i++) await server.dummy({ iterations: 10, step_ms: 3_600_000 });
  await page.goto(server.console);
  await page.locator('.row:not(.head)').nth(4).waitFor();
  await page.getByLabel('Select all').check();
  await page.getByRole('toolbar').getByRole('button', { name: 'Cancel 5' }).click();
  await page.getByRole('heading', { name: 'Cancel 5: 2 running, 3 pending' }).waitFor();
  assert.equal(await page.locator('dialog .hit li').count(), 5);
  await page.locator('dialog').getByRole('button', { name: 'Cancel 5' }).click();
  await page.getByText('5 of 5 asked to cancel').waitFor();
  await until(page, () => document.querySelectorAll('.row .badge.cancelled').length === 5);
  assert.equal(await page.getByRole('toolbar').count(), 0, 'the selection ended with what was done');
  assert.equal(await page.locator('.row input:checked').count(), 0);
}, { args: ['--set', 'lanes.default.concurrency=2'] });

story('however many are refused, one message says what became of all, and those stay selected', async (page, server) => {
  for (let made = 0; made < 8; made += 2) {
    const ids = [await server.dummy({ iterations: 10, step_ms: 3_600_000 }), await server.dummy({ iterations: 10, step_ms: 3_600_000 })];
    for (const id of ids) await server.post(`/operations/${id}/cancel?wait=10`);
  }
  await page.goto(`${server.console}#/operations?status=cancelled`);
  await page.locator('.row:not(.head)').nth(7).waitFor();
  await page.getByLabel('Select all').check();
  await page.getByRole('toolbar').getByRole('button', { name: 'Retry 8' }).click();
  await page.locator('dialog').getByRole('button', { name: 'Retry 8' }).click();
  // One runs and one waits: there is room for two.
  await page.locator('.told').getByText(/^2 of 8 started again; 6 were refused: QUEUE_FULL: /).waitFor();
  assert.equal(await page.locator('.told p').count(), 1);
  await page.getByText('6 selected').waitFor();
  const started = (await server.get('/operations?active_only=true')).operations;
  const tried = new Set(started.map((one) => one.retry_of));
  const picked = await page.locator('.row:not(.head)', { has: page.locator('input:checked') }).evaluateAll((rows) => rows.map((one) => one.id.replace('row-', '')));
  assert.ok(picked.length === 6 && !picked.some((id) => tried.has(id)), 'what was started is not selected');
}, { args: ['--set', 'lanes.default.concurrency=1', '--set', 'lanes.default.queue_limit=1'] });

story('neither a dialog nor Escape moves the rows or drops the current one', async (page, server) => {
  const first = await server.dummy({ iterations: 10, step_ms: 3_600_000 });
  await page.goto(server.console);
  await row(page, first).waitFor();
  const order = () => page.locator('.row:not(.head)').evaluateAll((rows) => rows.map((one) => one.id));
  const news = async (count) => page.getByRole('button', { name: `${count} new` }).waitFor();
  const dialog = async (how) => {
    await page.keyboard.press(how);
    await page.locator('dialog').waitFor();
    // Longer than the pause until the mouse is heard of again, and than a frame.
    await page.waitForTimeout(300);
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
    await page.waitForTimeout(300);
  };
  // The mouse alone keeps them, although the dialog takes it away.
  await row(page, first).hover();
  await server.dummy({ iterations: 10, step_ms: 3_600_000 });
  await news(1);
  await dialog('?');
  await news(1);
  assert.deepEqual(await order(), [`row-${first}`]);
  // So does a current row alone.
  await page.keyboard.press('j');
  await page.locator(`#row-${first}.current`).waitFor();
  await page.mouse.move(5, 5);
  await server.dummy({ iterations: 10, step_ms: 3_600_000 });
  await news(2);
  for (const how of ['?', 'c']) await dialog(how);
  await page.keyboard.press('Escape');
  await page.waitForTimeout(300);
  await page.locator(`#row-${first}.current`).waitFor();
  assert.deepEqual(await order(), [`row-${first}`]);
});

story('the header says what is so: a socket on every page, and that a token is missing', async (page, server) => {
  await page.goto(`${server.console}#/start`);
  await page.locator('.connection[title="by a socket"]').getByText(/live$/).waitFor();
  await page.context().newPage().then(async (refused) => {
    await refused.route('**/api/v1/**', (route) => route.fulfill({ status: 401, json: { success: false, error: { code: 'UNAUTHENTICATED', message: 'no token' } } }));
    await refused.goto(server.console);
    await refused.getByRole('heading', { name: 'This server asks for a token' }).waitFor();
    await refused.locator('.connection.asking').getByText('waits for a token').waitFor();
    await refused.close();
  });
});

story('the form shows a refusal of the kind at its field, and says what of a link it leaves out', async (page, server) => {
  await page.goto(`${server.console}#/start?kind=data_load&symbol=GOOG&timeframe=1d&file=..%2Fsecret.csv`);
  await page.getByRole('button', { name: 'Start data_load' }).click();
  await page.locator('#field-file-wrong').getByText(/^FILE_OUTSIDE: expected a file in the import folder/).waitFor();
  assert.equal(await page.locator('.problem').count(), 0, 'it is said once');
  const says = async (hash, text) => {
    await page.goto(`${server.console}#/start?${hash}`);
    await page.locator('.problem').getByText(text).waitFor();
  };
  await says('kind=nokind', 'The link asks for a kind that this server does not have: nokind');
  await says('kind=dummy&params=notjson', 'params: expected a JSON object, got "notjson"');
  await says('kind=dummy&params=null', 'params: expected a JSON object, got "null"');
  await says(`kind=dummy&loops=3&params=${encodeURIComponent('{"iterations": 7, "rounds": 1}')}`, 'dummy has no params rounds, loops');
  assert.equal(await page.getByLabel('Iterations').inputValue(), '7');
});

story('a page that may not copy shows the command selected', async (page, server) => {
  // As in a page that came over plain HTTP from another machine.
  await page.addInitScript(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
  await page.goto(`${server.console}#/start?kind=dummy&iterations=7`);
  await page.getByRole('button', { name: 'copy as CLI' }).click();
  await page.getByLabel('The text to copy').waitFor();
  await until(page, () => {
    const { activeElement: box } = document;
    return box.value?.slice(box.selectionStart, box.selectionEnd).includes('--param iterations=7');
  });
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
});

story('the page of an operation that was removed says so, and takes its verbs away', async (page, server) => {
  const id = await server.dummy({ iterations: 0 });
  while ((await server.get(`/operations/${id}`)).status !== 'completed') await page.waitForTimeout(10);
  await page.goto(`${server.console}#/operations/${id}`);
  await page.locator('.head').getByRole('button', { name: 'Retry' }).click();
  await page.locator('dialog').waitFor();
  // As after a removal by age, which no configuration makes quick.
  await page.route(`**/api/v1/operations/${id}**`, (route) => route.fulfill({ status: 404, json: { success: false, error: { code: 'OPERATION_NOT_FOUND', message: `there is no operation ${id}` } } }));
  await page.locator('dialog').getByRole('button', { name: 'Retry' }).click();
  await page.getByRole('heading', { name: `The operation ${id.slice(-8)} was removed` }).waitFor();
  assert.equal(await page.locator('.head .actions').count(), 0);
});

story('after a restart of the server nothing stale is shown as running', async (page, server) => {
  const id = await server.dummy({ iterations: 10, step_ms: 3_600_000 });
  const other = await page.context().newPage();
  await other.goto(`${server.console}#/operations/${id}`);
  await badge(other).getByText('running').waitFor();
  await page.goto(server.console);
  await row(page, id).getByText('running').waitFor();
  await page.getByLabel('Select all').check();
  const cancel = page.getByRole('toolbar').getByRole('button', { name: 'Cancel 1' });
  assert.ok(await cancel.isEnabled());
  // Shorter than the time until the list is read again.
  await page.waitForTimeout(2_500);
  const elapsed = () => other.locator('.facts', { hasText: 'elapsed' }).locator('b').last().innerText();
  const shown = await elapsed();
  await server.stop();
  await page.getByText(/reconnecting, last seen/).waitFor();
  await row(page, id).getByText('was running').waitFor();
  assert.ok(await cancel.isDisabled());
  await other.getByText(/reconnecting, last seen/).waitFor();
  const left = await elapsed();
  assert.ok(left >= shown, `${left} after ${shown}`);
  await other.waitForTimeout(1_500);
  assert.equal(await elapsed(), left, 'nobody knows whether it runs on');
  const next = await serve({ port: server.port });
  try {
    await page.getByText(/live/).first().waitFor();
    await page.getByText('No operations yet').waitFor();
    assert.equal(await row(page, id).count(), 0);
    await other.getByText('The server knows no operation').waitFor();
    assert.equal(await other.locator('.badge').count(), 0);
    const fresh = await next.dummy({ iterations: 10, step_ms: 3_600_000 });
    await row(page, fresh).getByText('running').waitFor();
  } finally {
    await next.stop();
  }
});

story('what operations say is text, never markup', async (page, server) => {
  const evil = '<img src=x onerror="document.title=1">';
  const id = await server.dummy({ iterations: 10, step_ms: 3_600_000 }, { labels: { note: evil } });
  await page.goto(server.console);
  await row(page, id).getByText(evil).waitFor();
  await page.goto(`${server.console}#/operations/${id}`);
  await page.getByText(evil).first().waitFor();
  await confirm(page, 'Cancel', evil);
  await page.locator('.timeline').getByText(evil).first().waitFor();
  assert.equal(await page.locator('img:not(.brand img)').count(), 0);
});

story('the keyboard alone will do', async (page, server) => {
  const old = await server.dummy({ iterations: 10, step_ms: 3_600_000 });
  const id = await server.dummy({ iterations: 10, step_ms: 3_600_000 });
  await page.goto(server.console);
  await row(page, id).waitFor();
  const { keyboard } = page;
  await keyboard.press('?');
  await page.getByRole('heading', { name: 'Keys' }).waitFor();
  await keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
  await keyboard.press('/');
  await keyboard.type(old.slice(-6));
  await row(page, id).waitFor({ state: 'detached' });
  // No row is there while the server is asked, and keys have no meaning then.
  await row(page, old).waitFor();
  await keyboard.press('Escape');
  await keyboard.press('j');
  await page.locator(`#row-${old}.current`).waitFor();
  await keyboard.press('x');
  await page.getByText('1 selected').waitFor();
  await keyboard.press('c');
  await page.locator('dialog').waitFor();
  await keyboard.type('by keys');
  await keyboard.press('Enter');
  await row(page, old).getByText('cancelled').waitFor();
  await page.locator('dialog').waitFor({ state: 'detached' });
  await keyboard.press('j');
  await keyboard.press('Enter');
  await badge(page).getByText('cancelled').waitFor();
  await page.locator('.timeline').getByText('by keys').first().waitFor();
});

story('with a thousand rows only those in sight are drawn', async (page, server) => {
  // Not all at once, because this does not test a thousand connections.
  for (let made = 0; made < 1_000; made += 50) {
    await Promise.all(Array.from({ length: 50 }, () => server.dummy({ iterations: 10, step_ms: 3_600_000 })));
  }
  await page.goto(server.console);
  for (let shown = 200; shown <= 1_000; shown += 100) {
    await page.getByRole('button', { name: 'Show older' }).click();
    await page.locator('.foot').getByText(`${shown.toLocaleString('en')} of`).waitFor();
  }
  assert.ok((await page.locator('.row').count()) < 80);
  await page.locator('.scroll').evaluate((box) => { box.scrollTop = box.scrollHeight; });
  await page.locator('[aria-rowindex="1001"]').waitFor();
  assert.ok((await page.locator('.row').count()) < 80);
}, { args: ['--set', 'lanes.default.queue_limit=2000'] });

story('frames of a socket are shown as they come', async (page, server) => {
  const id = await server.dummy({ iterations: 10, step_ms: 3_600_000 });
  const view = await server.get(`/operations/${id}`);
  const asked = [];
  await page.routeWebSocket(/\/api\/v1\/ws$/, (socket) => {
    socket.onMessage((text) => {
      const frame = JSON.parse(text);
      asked.push(frame);
      if (frame.type !== 'subscribe' || frame.filter === undefined) return;
      const at = new Date().toISOString();
      const say = (type, seq, data) => socket.send(JSON.stringify({ sub: frame.sub, type, operation_id: id, ...(seq === undefined ? {} : { seq, cursor: seq }), at, data }));
      say('snapshot', undefined, { operations: [view], cursor: 2 });
      say('progress', undefined, { ...view.progress, percentage: 73.4, message: 'said by a frame', steps: [] , items_processed: 0, items_total: null, rate_per_second: null, eta_seconds: null, context: {}, advanced_at: at, updated_at: new Date(Date.now() + 3_600_000).toISOString() });
    });
  });
  await page.goto(server.console);
  await row(page, id).getByText('said by a frame').waitFor();
  await row(page, id).getByText('73 %').waitFor();
  await page.locator('.connection[title="by a socket"]').waitFor();
  assert.deepEqual(asked.filter((frame) => frame.type === 'subscribe').map((frame) => frame.filter), [{}]);
});

/** The number of pixels of the first plot with each of these colours. */
const painted = (page, names) => page.evaluate((wanted) => {
  const canvas = document.querySelector('.plot canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const colours = wanted.map((name) => {
    const probe = document.body.appendChild(document.createElement('i'));
    probe.style.color = `var(${name})`;
    const parts = getComputedStyle(probe).color.match(/\d+/g).map(Number);
    probe.remove();
    return parts;
  });
  return colours.map(([r, g, b]) => {
    let found = 0;
    for (let at = 0; at < data.length; at += 4) if (data[at] === r && data[at + 1] === g && data[at + 2] === b) found++;
    return found;
  });
}, names);

/** Waits until a condition on the plot's colours is true. */
async function picture(page, names, so) {
  const deadline = Date.now() + 10_000;
  let found = await painted(page, names);
  while (!so(found)) {
    assert.ok(Date.now() < deadline, `points of ${names}: ${found}`);
    await page.waitForTimeout(20);
    found = await painted(page, names);
  }
}

/** The colours of a rise and of a fall. */
const CANDLES = ['--good', '--bad'];

story('checkpoints, and a run that went on from one, are marked on the curves', async (page, server) => {
  const id = await server.dummy({ iterations: 8, step_ms: 100 });
  const step = async () => (await server.get(`/operations/${id}`)).progress?.steps[0]?.current ?? 0;
  while ((await step()) < 3) await page.waitForTimeout(10);
  await server.post(`/operations/${id}/pause?wait=10`);
  const from = (await server.get(`/operations/${id}/events`)).events.findLast((event) => event.type === 'checkpoint').data.step.iteration;
  await server.post(`/operations/${id}/resume?wait=10`);
  while ((await server.get(`/operations/${id}`)).status !== 'completed') await page.waitForTimeout(10);
  // No kind that can be paused reports metrics yet, so the curve is made up.
  await page.route(`**/operations/${id}/metrics*`, (route) => {
    const at = new Date().toISOString();
    const loss = Array.from({ length: 9 }, (_, at_step) => ({ step: at_step, value: 1 / (1 + at_step), run: 2, at }));
    return route.fulfill({ json: { success: true, data: { series: { loss }, summary: {} } } });
  });
  await page.goto(`${server.console}#/operations/${id}`);
  await page.getByRole('img', { name: new RegExp(`loss, 9 points; .*checkpoints: [12]; run 2 from ${from}`) }).waitFor();
  await page.getByText('a run that went on from one').waitFor();
  await picture(page, ['--warn'], ([resumed]) => resumed > 20);
});

story('a training that was killed and ran again shows the curves of its last run, and its whole life', async (page, first) => {
  const kinds = await first.get('/kinds');
  if (!kinds.some((kind) => kind.kind === 'training')) {
    console.error('\n!!! NO TRAINING WAS KILLED: this server was built without it !!!\n');
    return;
  }
  await first.post('/data/load?wait=60', { symbol: 'GOOG', timeframe: '1d' });
  const asked = { symbol: 'GOOG', timeframe: '1d', epochs: 1_000_000, patience: 1_000_000, batch_size: 65_536, hidden_layers: [1] };
  const { operation_id: id } = await first.post('/training/start', asked);
  const loss = async (server) => (await server.get(`/operations/${id}/metrics?name=validation_loss&max_points=1`)).summary.validation_loss;
  const reached = async (server, run, count) => {
    for (;;) {
      const now = await loss(server);
      if (now?.last.run === run && now.count >= count) return;
      await page.waitForTimeout(50);
    }
  };
  await reached(first, 1, 1_300);
  const server = await first.again();
  try {
    // More than the newest events that are read if an operation has very many.
    await reached(server, 2, 850);
    await page.goto(`${server.console}#/operations/${id}`);
    const plot = page.getByRole('img', { name: /^loss/ });
    await plot.waitFor();
    await page.locator('.timeline').getByText(/LOST/).first().waitFor();
    await page.locator('.timeline').getByText('run 2 started').waitFor();
    await page.locator('.timeline').getByText('submitted by').waitFor();

    // A zoomed range stays while points arrive, and is read at the resolution of the plot.
    await plot.scrollIntoViewIfNeeded();
    const read = page.waitForRequest(/metrics\?.*from_step=/);
    const box = await plot.locator('.u-over').boundingBox();
    await page.mouse.move(box.x + box.width * 0.25, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 60, { steps: 4 });
    await page.mouse.up();
    await read;
    const near = page.getByRole('img', { name: /^loss from \d+ to \d+,/ });
    await near.waitFor();
    const [, from, to] = /^loss from (\d+) to (\d+),/.exec(await near.getAttribute('aria-label')).map(Number);
    assert.ok(to - from > 50, `${from} to ${to}`);
    // The curves of all steps are thinned above 6,000 points, and those of the range must not be.
    await reached(server, 2, 8_000);
    await page.waitForResponse(/metrics\?max_points=2000$/);
    await page.waitForResponse(/metrics\?.*from_step=/);
    await page.waitForTimeout(300);
    const drawn = Math.min(to - from + 1, 1_000);
    const [, points] = new RegExp(`^loss from ${from} to ${to}, (\\d+) points`).exec(await near.getAttribute('aria-label'));
    assert.ok(Number(points) >= drawn, `${points} of ${from} to ${to}`);
    await page.getByRole('button', { name: 'show all' }).click();
    await near.waitFor({ state: 'detached' });

    await server.post(`/operations/${id}/finish?wait=30`);
    const end = await loss(server);
    assert.ok(end.count < 1_300 || end.last.run === 2);
    const [, all] = /^loss, (\d+) points/.exec(await plot.getAttribute('aria-label'));
    assert.ok(Number(all) >= Math.min(end.count, 1_000), `${all} of ${end.count}`);
    await page.getByText(`best validation_loss ${Number(end.min.value.toPrecision(4))} @ ${end.min.step}`).waitFor();
  } finally {
    await server.stop();
  }
});

story('prices are drawn as candles or as a line, and holes are counted', async (page, server) => {
  await server.post('/data/load?wait=60', { symbol: 'GOOG', timeframe: '1d' });
  await page.goto(`${server.console}#/data`);
  await page.getByRole('img', { name: /prices of GOOG, 2,?148 points/ }).waitFor();
  await picture(page, CANDLES, (points) => points.every((count) => count > 50));
  // The exchange was closed for longer than a weekend with a holiday twice: at New Year 2007, and in the storm of 2012.
  assert.equal(await page.locator('tbody tr td').nth(3).textContent(), '2');
  await page.locator('.u-over').first().hover();
  await page.locator('.u-legend').first().getByText(/^\d{4}-\d\d-\d\d$/).waitFor();
  await page.getByRole('button', { name: 'line' }).click();
  await page.getByRole('img', { name: /close of GOOG/ }).waitFor();
  await picture(page, CANDLES, (points) => points.every((count) => count === 0));
  // No dataset was chosen, and the shown one stays all the same.
  await server.post('/data/load?wait=60', { symbol: 'AAPL', timeframe: '1d', file: 'GOOG_1d.csv' });
  await page.locator('tbody').getByRole('link', { name: 'AAPL' }).waitFor();
  await page.getByRole('heading', { name: 'GOOG 1d' }).waitFor();
  const train = page.getByRole('link', { name: 'train on it' });
  if ((await server.get('/kinds')).some((kind) => kind.kind === 'training')) assert.match(await train.getAttribute('href'), /symbol=GOOG/);
  else assert.equal(await train.count(), 0, 'this server trains no models');
});

story('a dataset that begins in the evening shows it, and how its older bars are seen', async (page, server) => {
  const bar = (day) => ({ timestamp: `2024-02-0${day}T23:00:00.000Z`, open: 1, high: 1, low: 1, close: 1, volume: 1 });
  const dataset = { symbol: 'EURUSD', timeframe: '1d', rows: 3, holes: 0, start: '2024-01-31T23:00:00.000Z', end: bar(2).timestamp, bytes: 1, sha256: 'a', source: 'EURUSD_1d.csv', loaded_at: bar(2).timestamp, warnings: [] };
  const answers = (path, data) => page.route(path, (route) => route.fulfill({ json: { success: true, data } }));
  await answers('**/api/v1/data', { datasets: [dataset] });
  // As a server answers that has more bars than a page shows.
  await answers('**/api/v1/data/EURUSD/1d?**', { dataset, bars: [bar(1), bar(2)], next_start: null });
  await answers('**/api/v1/data/EURUSD/1d/report', { report: null });
  await page.goto(`${server.console}#/data`);
  await page.getByText('The newest 2 of 3 bars.').waitFor();
  await page.getByText('It was loaded by an earlier version').waitFor();
  await page.locator('code').getByText(`impresario --url ${server.url} data show EURUSD 1d --end ${bar(1).timestamp}`).waitFor();
  assert.deepEqual((await page.locator('tbody td').allInnerTexts()).slice(4, 6), ['2024-01-31 23:00', '2024-02-02 23:00']);
});

story('prices are written whole, an unknown dataset is said to be none, and one that is loaded appears', async (page, server) => {
  await page.goto(`${server.console}#/data/GOOG/1d`);
  await page.getByText('There is no such dataset').waitFor();
  await server.post('/data/load?wait=60', { symbol: 'GOOG', timeframe: '1d' });
  await page.getByRole('img', { name: /prices of GOOG/ }).waitFor();
  const { bars } = await server.get('/data/GOOG/1d?limit=10000');
  const label = await page.getByRole('img', { name: /prices of GOOG/ }).getAttribute('aria-label');
  for (const name of ['open', 'high', 'low', 'close']) assert.ok(label.includes(`${name} ${bars.at(-1)[name].toFixed(2)}`), label);
  await page.goto(`${server.console}#/data/FOO/1d`);
  await page.getByText('There is no such dataset').waitFor();
  await page.locator('tbody').getByRole('link', { name: 'GOOG' }).waitFor();
  assert.equal(await page.locator('.plot').count(), 0);
});

/** Drops a file on the page. */
async function drop(page, name, text) {
  await page.locator('.drop').waitFor();
  const data = await page.evaluateHandle(([of, content]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([content], of, { type: 'text/csv' }));
    return transfer;
  }, [name, text]);
  await page.dispatchEvent('main', 'dragover', { dataTransfer: data });
  await page.locator('.drop.over').waitFor();
  await page.dispatchEvent('main', 'drop', { dataTransfer: data });
}

const trial = (page) => page.locator('.trial');

story('a file is dropped, read on trial, and loaded as it was shown', async (page, server) => {
  const text = readFileSync(new URL('../../samples/GOOG_1d.csv', import.meta.url), 'utf8');
  const [header, ...rows] = text.trim().split('\n');
  await page.goto(`${server.console}#/data`);
  await page.getByRole('heading', { name: 'No data yet' }).waitFor();
  // Newest first, so that there is something to tell.
  await drop(page, 'GOOG_1d.csv', [header, ...rows.reverse(), ''].join('\n'));
  await page.getByText('GOOG_1d.csv (').waitFor();
  assert.match(page.url(), /#\/data\/imports\?file=GOOG_1d\.csv$/);
  assert.equal(await page.getByLabel('Symbol').inputValue(), 'GOOG');
  assert.equal(await page.getByLabel('Timeframe').inputValue(), '1d');
  await page.getByRole('button', { name: 'Dry run' }).click();
  await trial(page).getByText('2,148 bars of GOOG 1d, 2004-08-19 to 2013-03-01').waitFor();
  assert.equal(await trial(page).getByRole('region', { name: 'First and last bars' }).getByRole('row').count(), 12);
  await trial(page).getByText('… 2,138 more bars …').waitFor();
  await trial(page).getByText('ORDER_CHANGED').waitFor();
  await trial(page).getByText('2,148 read').waitFor();
  assert.deepEqual(await faults(page), []);
  assert.deepEqual((await server.get('/data')).datasets, []);
  // Only what was shown can be loaded.
  const load = trial(page).getByRole('button', { name: 'Load', exact: true });
  await page.getByLabel('Mode').selectOption('merge');
  await trial(page).getByText('make another dry run first').waitFor();
  assert.ok(await load.isDisabled());
  await page.getByLabel('Mode').selectOption('');
  await load.click();
  await badge(page).getByText('completed').waitFor();
  await page.locator('.result').getByText('ORDER_CHANGED').waitFor();
  await page.locator('.result').getByRole('link', { name: 'the data' }).click();
  await page.getByRole('region', { name: 'How it was loaded' }).getByText('ORDER_CHANGED').waitFor();
  assert.equal((await server.get('/data')).datasets[0].rows, 2_148);

  await page.getByRole('link', { name: 'files on the server' }).click();
  await page.getByRole('button', { name: 'Delete GOOG_1d.csv' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByText("There is none in the server's import folder").waitFor();
  assert.deepEqual((await server.get('/data/imports')).imports, []);
  assert.equal((await server.get('/data')).datasets.length, 1);
}, { uploads: true });

story('what is doubted about a file is said instead, and its bad rows are named and left out', async (page, server) => {
  const days = Array.from({ length: 12 }, (_, at) => String(at + 1).padStart(2, '0'));
  await page.goto(`${server.console}#/data/imports`);
  const lines = ['Date,Open,High,Low,Close,Volume', ...days.map((day) => `${day}/02/2024,1,2,1,${day === '07' ? 'null' : 2},3`), ''];
  await drop(page, 'prices.csv', lines.join('\n'));
  await page.getByText('prices.csv (').waitFor();
  await page.getByRole('button', { name: 'Dry run' }).click();
  await page.locator('.entry.wrong').getByRole('alert').first().waitFor();
  await page.getByLabel('Symbol').fill('BTC/USDT');
  const timeframe = page.getByLabel('Timeframe');
  if ((await timeframe.evaluate((element) => element.tagName)) === 'SELECT') await timeframe.selectOption('1d');
  else await timeframe.fill('1d');
  await page.getByRole('button', { name: 'Dry run' }).click();
  const doubt = page.getByRole('list', { name: 'Doubts' }).getByRole('listitem').first();
  await doubt.getByRole('checkbox').waitFor();
  assert.deepEqual(await faults(page), []);
  await doubt.getByRole('button', { name: 'time_format' }).click();
  const format = page.getByLabel('Time format');
  await page.waitForFunction((element) => document.activeElement === element, await format.elementHandle());
  await page.keyboard.type('%d/%m/%Y');
  await page.keyboard.press('Enter');
  const bad = trial(page).getByRole('region', { name: 'Rows that cannot be loaded' });
  await bad.getByRole('row', { name: /8 close .* "null"/ }).waitFor();
  assert.deepEqual(await faults(page), []);
  await trial(page).getByRole('button', { name: 'bad_rows' }).click();
  await page.getByLabel('Bad rows').selectOption('skip');
  await trial(page).getByRole('button', { name: 'Try again' }).click();
  await trial(page).getByText('11 bars of BTC/USDT 1d, 2024-02-01 to 2024-02-12').waitFor();
  await trial(page).getByText('1 left out that is no bar').waitFor();
  await trial(page).getByRole('link').first().click();
  // The page of the dry run leads back to the form with the same params.
  await page.locator('.result').getByRole('link', { name: 'load it' }).click();
  assert.equal(await page.getByLabel('Time format').inputValue(), '%d/%m/%Y');
  assert.equal(await page.getByLabel('Symbol').inputValue(), 'BTC/USDT');
  assert.deepEqual((await server.get('/data')).datasets, []);
}, { uploads: true });

story('an upload shows how far it is, and is stopped without a trace', async (page, server) => {
  await page.goto(`${server.console}#/data`);
  const network = await page.context().newCDPSession(page);
  await network.send('Network.enable');
  await network.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 300_000 });
  await drop(page, 'long_1m.csv', 'x'.repeat(20_000_000));
  await until(page, () => Number(document.querySelector('.drop [role=progressbar]')?.getAttribute('aria-valuenow')) >= 1);
  assert.ok(await page.getByRole('button', { name: 'Waits for the upload' }).isDisabled());
  await page.getByRole('link', { name: 'Supervision' }).click();
  await page.getByRole('heading', { name: 'Supervision' }).waitFor();
  await page.getByRole('link', { name: 'Data', exact: true }).click();
  await page.locator('.drop').getByRole('button', { name: 'Stop' }).click();
  await page.getByText('long_1m.csv was not uploaded, and the server keeps nothing of it.').waitFor();
  assert.deepEqual((await server.get('/data/imports')).imports, []);
}, { uploads: true });

story('a dataset of any name is read, and deleted after a dialog that shows what refers to it', async (page, server) => {
  await server.post('/data/load?wait=60', { symbol: 'GOOG', timeframe: '1d' });
  await server.post('/data/load?wait=60', { symbol: 'BTC/USDT & é', timeframe: '1mo', file: 'GOOG_1d.csv', accept_doubts: ['SPACING_UNEXPECTED'] });
  await page.goto(`${server.console}#/data`);
  await page.locator('tbody').getByRole('link', { name: 'BTC/USDT & é' }).click();
  await page.getByRole('img', { name: /prices of BTC\/USDT & é/ }).waitFor();
  const waits = { symbol: 'BTC/USDT & é', timeframe: '1mo', file: 'GOOG_1d.csv', options: { not_before: '2099-01-01T00:00:00Z' } };
  const { operation_id: id } = await server.post('/data/load', waits);
  await page.getByRole('button', { name: 'Delete…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Delete BTC/USDT & é 1mo?' });
  await dialog.getByText('loads it, pending').waitFor();
  assert.match(await dialog.getByRole('link').getAttribute('href'), new RegExp(id));
  await dialog.getByRole('button', { name: 'Leave as is' }).click();
  await page.getByRole('button', { name: 'Delete…' }).click();
  await dialog.getByText('loads it, pending').waitFor();
  await dialog.getByRole('button', { name: 'Delete', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('heading', { name: 'GOOG 1d' }).waitFor();
  assert.equal((await server.get('/data')).datasets.length, 1);
  await page.getByRole('button', { name: 'Delete…' }).click();
  await page.getByRole('dialog').getByText('Nothing refers to it').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByRole('heading', { name: 'No data yet' }).waitFor();
});

story('only the pages of kinds that the server has are there', async (page, server) => {
  const kinds = await server.get('/kinds');
  const nav = page.getByRole('navigation', { name: 'Pages' });
  await page.goto(`${server.console}#/data`);
  await page.getByRole('heading', { name: 'No data yet' }).waitFor();
  await nav.getByRole('link', { name: 'Data' }).waitFor();
  const dummy = kinds.filter((kind) => kind.kind === 'dummy');
  await page.route('**/api/v1/kinds', (route) => route.fulfill({ json: { success: true, data: dummy } }));
  await page.reload();
  for (const hash of ['#/data', '#/models']) {
    await page.goto(server.console + hash);
    await page.getByText('There is no such page').waitFor();
  }
  assert.deepEqual(await nav.getByRole('link').allInnerTexts(), ['Operations', 'Start', 'Supervision']);
  await page.goto(`${server.console}#/operations`);
  await page.getByText('impresario start dummy').waitFor();
  assert.equal(await page.getByText('impresario train').count(), 0);
});

story('a model appears as soon as its training has ended', async (page, server) => {
  if (!(await server.get('/kinds')).some((kind) => kind.kind === 'training')) return;
  await server.post('/data/load?wait=60', { symbol: 'GOOG', timeframe: '1d' });
  await page.goto(`${server.console}#/models`);
  await page.getByText('No models yet').waitFor();
  await server.post('/training/start?wait=100', { symbol: 'GOOG', timeframe: '1d', epochs: 3 });
  await page.locator('tbody').getByText('GOOG').waitFor();
});

story('a model says where it comes from, and is verified from its page', async (page, server) => {
  if (!(await server.get('/kinds')).some((kind) => kind.kind === 'model_verify')) return;
  await server.post('/data/load?wait=60', { symbol: 'GOOG', timeframe: '1d' });
  const options = { labels: { experiment: 'night' } };
  const trained = await server.post('/training/start?wait=100', { symbol: 'GOOG', timeframe: '1d', epochs: 2, options });
  await page.goto(`${server.console}#/models/${trained.result.model_id}`);
  const origin = page.getByRole('region', { name: 'Training', exact: true });
  await origin.getByText('experiment=night').waitFor();
  await origin.getByText(/run 1, from the beginning$/).waitFor();
  await page.getByText(/^1,433 rows, 2005-01-10 to 2010-09-17$/).waitFor();
  await origin.getByRole('link').first().click();
  await badge(page).getByText('completed').waitFor();
  assert.ok(page.url().endsWith(trained.operation_id));
  await page.getByRole('link', { name: 'the model' }).click();
  await page.getByRole('button', { name: 'Verify' }).click();
  await badge(page).getByText('completed').waitFor();
  await page.locator('.verdict').getByText('The bits are identical: all 3042 weights have the same bits').waitFor();
  assert.equal(await page.locator('.result dt', { hasText: 'verdict' }).count(), 0, 'it is told once');
  await page.getByRole('link', { name: 'the model' }).click();
  await origin.waitFor();
});

story('the form: options are judged at their fields, a label is one a line, what was typed stays', async (page, server) => {
  await page.goto(`${server.console}#/start?kind=dummy`);
  await page.getByLabel('Iterations').fill('3');
  await page.getByText('Options: priority').click();
  await page.getByLabel('Priority').fill('1000');
  await page.getByLabel('Attempts').fill('0');
  await page.getByRole('button', { name: 'Start dummy' }).click();
  await page.locator('.entry.wrong', { hasText: 'Priority' }).getByText('expected an integer from -100 to 100').waitFor();
  await page.locator('.entry.wrong', { hasText: 'Attempts' }).locator('.fault').waitFor();
  assert.equal(await page.locator('.problem').count(), 0, 'nothing stands above the form');
  await page.getByLabel('Priority').fill('');
  await page.getByLabel('Attempts').fill('');
  await page.getByLabel('Time limit').fill('1e400');
  await page.getByRole('button', { name: 'Start dummy' }).click();
  await page.locator('.entry.wrong', { hasText: 'Time limit' }).getByText('expected a number over 0, got "1e400"').waitFor();
  await page.getByLabel('Time limit').fill('');
  await page.getByLabel('Labels').fill('note');
  await page.getByRole('button', { name: 'Start dummy' }).click();
  await page.locator('.entry.wrong', { hasText: 'Labels' }).getByText('expected key=value').waitFor();
  await page.getByLabel('Labels').fill('note=a\nnote=b');
  await page.getByRole('button', { name: 'copy as CLI' }).click();
  await page.locator('.entry.wrong', { hasText: 'Labels' }).getByText('expected each key once').waitFor();
  assert.equal(await page.getByText('copied').count(), 0);
  await page.getByLabel('Labels').fill('note=a, b\nexperiment=c');
  assert.equal(await page.getByLabel('Iterations').inputValue(), '3');
  await page.getByRole('button', { name: 'Start dummy' }).click();
  await badge(page).waitFor();
  const id = /op_[0-9a-z]{13}/.exec(page.url())[0];
  assert.deepEqual((await server.get(`/operations/${id}`)).labels, { note: 'a, b', experiment: 'c' });
});

story('why something is tried again is kept with it', async (page, server) => {
  const old = await server.dummy({ iterations: 0, step_ms: 0 });
  await page.goto(`${server.console}#/operations/${old}`);
  await badge(page).getByText('completed').waitFor();
  await page.getByRole('button', { name: 'Retry' }).click();
  await page.getByLabel('Reason').fill('x'.repeat(1_001));
  await page.locator('dialog').getByText('expected at most 1,000 characters, got 1,001').waitFor();
  assert.ok(await page.locator('dialog').getByRole('button', { name: 'Retry' }).isDisabled());
  await page.keyboard.press('Escape');
  await confirm(page, 'Retry', 'the disk was full');
  await page.locator('.timeline').getByText(`tries ${old.slice(-8)} again`).waitFor();
  await page.locator('.timeline bdi').getByText('the disk was full').waitFor();
});

story('a checkpoint is forked with another param, and the new operation says where it comes from', async (page, server) => {
  const old = await server.dummy({ iterations: 3, step_ms: 0 });
  await page.goto(`${server.console}#/operations/${old}`);
  await badge(page).getByText('completed').waitFor();
  await page.getByRole('button', { name: 'Fork' }).click();
  const dialog = page.locator('dialog');
  assert.equal(await dialog.getByLabel('Iterations').inputValue(), '3');
  assert.equal(await dialog.getByLabel('Step').inputValue(), '0');
  assert.deepEqual((await dialog.getByLabel('Checkpoint').locator('option').allTextContents()).map((text) => text.split(', ')[0]), ['the newest', 'iteration 3']);
  await dialog.getByLabel('Iterations').fill('many');
  await page.keyboard.press('Enter');
  await dialog.getByText('expected an integer from 0 to 1000000000, got "many"').waitFor();
  await dialog.getByLabel('Iterations').fill('5');
  await dialog.getByLabel('Checkpoint').selectOption({ index: 1 });
  await page.keyboard.press('Tab');
  await dialog.getByRole('button', { name: 'Fork' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.locator('.timeline').getByText(`forked from ${old.slice(-8)} at iteration 3`).waitFor();
  await badge(page).getByText('completed').waitFor();
  const id = /op_[0-9a-z]{13}/.exec(page.url())[0];
  assert.notEqual(id, old);
  const view = await server.get(`/operations/${id}`);
  assert.deepEqual([view.params, view.result_summary], [{ iterations: 5, step_ms: 0 }, { iterations_completed: 5 }]);
  await page.getByRole('region', { name: 'About' }).getByRole('link', { name: old.slice(-8) }).click();
  await page.waitForURL(new RegExp(old));
});

story('no status is cut, and what somebody said does not turn the sentence around', async (page, server) => {
  const early = await server.dummy({ iterations: 10, step_ms: 3_600_000 });
  await server.post(`/operations/${early}/finish?wait=10`);
  const stopped = await server.dummy({ iterations: 10, step_ms: 3_600_000 }, { labels: { note: '\u05d0\u05d1 12' } });
  await server.post(`/operations/${stopped}/cancel?wait=10`, { reason: '\u05d0\u05d1\u05d2 (34)' });
  await server.dummy({ iterations: 100, step_ms: 1_500 });
  for (const width of [1_440, 1_000]) {
    await page.setViewportSize({ width, height: 800 });
    await page.goto(server.console);
    await row(page, early).getByText('completed early').waitFor();
    await page.locator('.row .c-ETA').getByText(/~\d m \d\d s/).waitFor();
    const cut = await page.locator('.c-status, .c-took, .c-ETA').evaluateAll((cells) => cells.filter((cell) => cell.scrollWidth > cell.clientWidth || cell.scrollHeight > cell.clientHeight).map((cell) => cell.textContent));
    assert.deepEqual(cut, [], `at ${width}`);
  }
  await row(page, stopped).locator('bdi').getByText('\u05d0\u05d1\u05d2 (34)').waitFor();
  await row(page, stopped).locator('bdi').getByText('note=\u05d0\u05d1 12').waitFor();
  await page.goto(`${server.console}#/operations/${stopped}`);
  for (const place of ['.timeline', '.stopping']) await page.locator(`${place} bdi`).getByText('\u05d0\u05d1\u05d2 (34)').first().waitFor();
});

test('behind a proxy it works under a path of its own', { skip: missing, timeout: 60_000 }, async () => {
  const server = await serve();
  const proxy = await behind(server, '/tools/impresario');
  const page = await browser.newPage();
  const wrong = [];
  page.on('pageerror', (error) => wrong.push(error.message));
  page.on('response', (answer) => answer.status() >= 400 && wrong.push(`${answer.status()} ${answer.url()}`));
  try {
    const id = await server.dummy({ iterations: 10, step_ms: 3_600_000 });
    await page.goto(`${proxy.url}/console/`);
    await row(page, id).getByText('running').waitFor();
    await page.locator('.connection[title="by a socket"]').waitFor();
    await row(page, id).getByRole('link').click();
    await confirm(page, 'Cancel', 'enough');
    await badge(page).getByText('cancelled').waitFor();
    await page.getByRole('link', { name: 'Start', exact: true }).click();
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'copy as CLI' }).click();
    await page.getByText('copied').waitFor();
    const command = await page.evaluate(() => navigator.clipboard.readText());
    assert.ok(command.includes(`--url ${proxy.url} `), command);
    assert.deepEqual(wrong, []);
  } finally {
    await page.close();
    proxy.stop();
    await server.stop();
  }
});

test('a token is asked for once, and kept for the tab', { skip: missing, timeout: 60_000 }, async () => {
  const { mkdtempSync, writeFileSync, rmSync } = await import('node:fs');
  const { tmpdir } = await import('node:os');
  const { join } = await import('node:path');
  const folder = mkdtempSync(join(tmpdir(), 'impresario-token-'));
  const secret = 's3cret-s3cret-s3cret-s3cret';
  writeFileSync(join(folder, 'tokens'), `anna ${secret}\n`, { mode: 0o600 });
  const server = await serve({ args: ['--set', `http.token_file=${join(folder, 'tokens')}`] });
  const page = await browser.newPage();
  try {
    await page.goto(server.console);
    await page.getByRole('textbox', { name: 'Token' }).fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('The server does not know this token.').waitFor();
    await page.getByRole('textbox', { name: 'Token' }).fill('zwölf');
    await page.keyboard.press('Enter');
    await page.getByText('A token is visible ASCII characters').waitFor();
    await page.getByRole('textbox', { name: 'Token' }).fill(secret);
    await page.keyboard.press('Enter');
    await page.getByText('No operations yet').waitFor();
    await page.reload();
    await page.getByText('No operations yet').waitFor();
  } finally {
    await page.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

for (const dark of [false, true]) {
  story(`no page has a serious fault for who cannot see or point (${dark ? 'dark' : 'light'})`, async (page, server) => {
    const check = async (hash) => {
      await page.goto(server.console + hash);
      await page.locator('h1, .empty h2').first().waitFor();
      await page.locator('.loading').waitFor({ state: 'detached' });
      assert.deepEqual(await faults(page), [], hash);
    };
    for (const hash of ['#/operations', '#/data', '#/data/imports', '#/models']) await check(hash);
    const id = await server.dummy({ iterations: 10, step_ms: 3_600_000 }, { labels: { a: 'b' } });
    const ended = await server.dummy({ iterations: 10, step_ms: 10 });
    await server.post(`/operations/${ended}/cancel?wait=10`, { reason: 'enough' });
    await server.post('/data/load?wait=30', { symbol: 'GOOG', timeframe: '1d' });
    const kinds = (await server.get('/kinds')).map((one) => one.kind);
    if (kinds.includes('training')) await server.post('/training/start?wait=100', { symbol: 'GOOG', timeframe: '1d', epochs: 3 });
    for (const hash of ['#/operations', `#/operations/${id}`, `#/operations/${ended}`, '#/operations/op_0000000000000', '#/start', '#/supervision', '#/data', '#/data/imports?file=GOOG_1d.csv', '#/models']) await check(hash);
    if (!kinds.includes('training')) return;
    const { models } = await server.get('/models');
    await check(`#/models/${models[0].model_id}`);
    const { operations } = await server.get('/operations?kind=training');
    await check(`#/operations/${operations[0].operation_id}`);
  }, { dark });
}
