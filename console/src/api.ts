// Sends every request of the console: adds the token, unwraps the envelope, and watches the connection.
import { signal } from '@preact/signals';
import { address } from './base.ts';
import { learn } from './clock.ts';
import { heard, lost } from './connection.ts';
import type { Fault } from './wire.ts';

const TOKEN = 'impresario.token';

/** Whether the server needs a token and the console has none. */
export const wantsToken = signal(false);

/** An error in an answer of the server. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: unknown,
  ) {
    super(message);
  }

  /** The faults of single fields, if there are any. */
  get faults(): Fault[] {
    const list = Array.isArray(this.details) ? this.details : [];
    return list.filter((one): one is Fault => typeof one === 'object' && one !== null && 'path' in one);
  }
}

/** The server could not be reached. */
export class Unreachable extends Error {}

export function token(): string | null {
  return sessionStorage.getItem(TOKEN);
}

/** What is wrong with a token; empty if the server accepts it, and then it is kept for this tab. */
export async function tryToken(value: string): Promise<string> {
  if (!/^[\x21-\x7e]+$/.test(value)) return 'A token is visible ASCII characters, without spaces: this is none.';
  try {
    const answer = await fetch(address('api/v1/kinds'), { headers: { Authorization: `Bearer ${value}` }, cache: 'no-store' });
    if (answer.ok) {
      sessionStorage.setItem(TOKEN, value);
      wantsToken.value = false;
      return '';
    }
    if (answer.status === 401) return 'The server does not know this token.';
    const said = parse(await answer.text());
    return said?.error?.message ?? `The server answered ${answer.status}.`;
  } catch {
    return 'The server cannot be reached.';
  }
}

export function get<T>(path: string): Promise<T> {
  return ask<T>('GET', path);
}

export function post<T>(path: string, body: unknown, headers: Record<string, string> = {}): Promise<T> {
  return ask<T>('POST', path, JSON.stringify(body), headers);
}

/** Deletes; with `dry_run` it is only told what refers to it, and with `force` that is no hindrance. */
export function remove<T>(path: string, how: '' | 'dry_run' | 'force'): Promise<T> {
  return ask<T>('DELETE', how === '' ? path : `${path}?${how}=true`);
}

async function ask<T>(method: string, path: string, body?: string, more: Record<string, string> = {}): Promise<T> {
  const headers: Record<string, string> = { 'X-Client': 'console', ...more };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const secret = token();
  if (secret !== null) headers['Authorization'] = `Bearer ${secret}`;
  const askedAt = Date.now();
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(address(`api/v1${path}`), { method, headers, body, cache: 'no-store' });
    text = await answer.text();
  } catch (error) {
    lost();
    throw new Unreachable(String(error));
  }
  const said = parse(text);
  if (said === null) {
    // This is a page of a proxy, or of a server that is shutting down, and not an answer of our server.
    if (answer.status >= 502) lost();
    throw new ApiError(answer.status, 'NOT_JSON', `The server answered ${answer.status} with something that is not JSON.`, null);
  }
  heard();
  if (said.success === true) {
    const time = serverTime(said.data);
    if (time !== null) learn(time, askedAt, Date.now());
    return said.data as T;
  }
  if (answer.status === 401) wantsToken.value = true;
  const { code = 'UNKNOWN', message = text, details = null } = said.error ?? {};
  throw new ApiError(answer.status, code, message, details);
}

interface Envelope {
  success: boolean;
  data?: unknown;
  error?: { code?: string; message?: string; details?: unknown };
}

function parse(text: string): Envelope | null {
  try {
    const said: unknown = JSON.parse(text);
    return typeof said === 'object' && said !== null ? (said as Envelope) : null;
  } catch {
    return null;
  }
}

function serverTime(data: unknown): string | null {
  if (typeof data !== 'object' || data === null) return null;
  const own = (data as { server_time?: unknown }).server_time;
  if (typeof own === 'string') return own;
  const rows = (data as { operations?: { server_time?: unknown }[] }).operations;
  const first = Array.isArray(rows) ? rows[0]?.server_time : undefined;
  return typeof first === 'string' ? first : null;
}

/** A failure in words. */
export function words(error: unknown): string {
  if (error instanceof ApiError) return `${error.code}: ${error.message}`;
  if (error instanceof Unreachable) return 'The server cannot be reached.';
  return String(error);
}
