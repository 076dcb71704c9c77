// A real server and a real browser, each of the test's own.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const ROOT = resolve(import.meta.dirname, '../..');

/** The browser that the system has, or null. */
export function browserPath() {
  const named = process.env.CHROMIUM;
  const known = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'];
  return [named, ...known].find((path) => path && existsSync(path)) ?? null;
}

export async function launch() {
  const executablePath = browserPath();
  if (executablePath === null) throw new Error('no Chromium was found; CHROMIUM may name one');
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** A server with a folder of its own; `port` 0 picks one. */
export async function serve({ args = [], port = 0 } = {}) {
  const binary = resolve(process.cwd(), process.env.IMPRESARIOD ?? join(ROOT, 'target/debug/impresariod'));
  const folder = mkdtempSync(join(tmpdir(), 'impresario-console-'));
  const child = spawn(
    binary,
    ['--listen', `127.0.0.1:${port}`, '--data-dir', join(folder, 'data'), '--set', `data.import_dir=${join(ROOT, 'samples')}`, '--set', 'log.level="warn"', ...args],
    { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = new Promise((done) => child.once('exit', done));
  const url = await new Promise((found, failed) => {
    child.once('error', failed);
    child.once('exit', (code) => failed(new Error(`${binary} ended with ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('listening on ')) found(line.slice('listening on '.length));
    });
  });
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const ask = async (method, path, body) => {
    const answer = await fetch(`${url}/api/v1${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
    });
    const { data, error } = await answer.json();
    if (error) throw new Error(`${path}: ${error.message}`);
    return data;
  };
  return {
    url,
    port: Number(new URL(url).port),
    console: `${url}/console/`,
    stop,
    get: (path) => ask('GET', path),
    post: (path, body = {}) => ask('POST', path, body),
    dummy: async (params, options = {}) => (await ask('POST', '/dummy/start', { ...params, options })).operation_id,
  };
}
