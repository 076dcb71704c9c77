// Starts a real server and a real browser for each test.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const ROOT = resolve(import.meta.dirname, '../..');

/** The system's browser, or null. */
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

/** Starts a server with a new folder, or with that of a killed one; `port` 0 picks a free port. Its import folder is
 * that of the samples, unless files are to be uploaded: then it is the new folder's. */
export async function serve({ args = [], port = 0, uploads = false, folder = mkdtempSync(join(tmpdir(), 'impresario-console-')) } = {}) {
  const binary = resolve(process.cwd(), process.env.IMPRESARIOD ?? join(ROOT, 'target/debug/impresariod'));
  const child = spawn(
    binary,
    ['--listen', `127.0.0.1:${port}`, '--data-dir', join(folder, 'data'), '--set', `data.import_dir=${uploads ? join(folder, 'imports') : join(ROOT, 'samples')}`, '--set', 'log.level="warn"', ...args],
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
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  const stop = async () => {
    await kill();
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
    /** Kills the server as a power cut would, and starts another one on its folder. */
    again: async () => {
      await kill();
      return serve({ args, folder, uploads, port: Number(new URL(url).port) });
    },
    get: (path) => ask('GET', path),
    post: (path, body = {}) => ask('POST', path, body),
    dummy: async (params, options = {}) => (await ask('POST', '/dummy/start', { ...params, options })).operation_id,
  };
}

/** A proxy that serves the server and its sockets under a path. */
export async function behind(server, path) {
  const inside = (url) => (url.startsWith(`${path}/`) ? url.slice(path.length) : null);
  const proxy = createServer((asked, answer) => {
    const url = inside(asked.url);
    if (url === null) return answer.writeHead(404).end();
    const passed = request({ port: server.port, method: asked.method, path: url, headers: asked.headers }, (got) => {
      answer.writeHead(got.statusCode, got.headers);
      got.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    return asked.pipe(passed);
  });
  proxy.on('upgrade', (asked, socket) => {
    const url = inside(asked.url);
    if (url === null) return socket.destroy();
    const passed = connect(server.port, '127.0.0.1', () => {
      const lines = asked.rawHeaders.flatMap((name, at, all) => (at % 2 === 0 ? [`${name}: ${all[at + 1]}`] : []));
      passed.write(`${asked.method} ${url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
      passed.pipe(socket).pipe(passed);
    });
    for (const one of [socket, passed]) one.on('error', () => one.destroy());
  });
  await new Promise((open) => proxy.listen(0, '127.0.0.1', open));
  return {
    url: `http://127.0.0.1:${proxy.address().port}${path}`,
    stop: () => {
      proxy.closeAllConnections();
      proxy.close();
    },
  };
}
