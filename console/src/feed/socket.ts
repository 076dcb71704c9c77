// The one socket of a tab. Subscriptions outlive it, and know where to go on after a lost connection.
import { token, wantsToken } from '../api.ts';
import { address } from '../base.ts';
import { heard, lost, reach, socketOpen } from '../connection.ts';
import type { Page, Row, View } from '../wire.ts';
import type { Frame } from './merge.ts';

/** What a subscription is about. */
export type Subject = { operation_id: string } | { filter: { kind?: string[]; label?: string } };

/** What a subscription receives. */
export type Heard =
  | Frame
  | { type: 'snapshot'; at: string; data: View | (Pick<Page, 'operations'> & { cursor: number }) }
  | { type: 'error'; at: string; data: { code: string; message: string } };

interface Subscription {
  subject: Subject;
  progressMs: number;
  hear: (frame: Heard) => void;
  /** Where to go on: the last `seq` of an operation, or the last `cursor` of a filter. */
  since?: number;
}

const FIRST_WAIT = 500;
const LONGEST_WAIT = 5_000;
/** The time between attempts if no socket can be opened, because some proxies refuse them. */
const SELDOM = 30_000;
const PING_MS = 10_000;

const subscriptions = new Map<string, Subscription>();
let socket: WebSocket | null = null;
let last = 0;
let wait = FIRST_WAIT;
let opened = false;
let timer: ReturnType<typeof setTimeout> | undefined;
let heardAt = 0;

/** Subscribes, now or as soon as there is a socket. Returns a function that ends the subscription. */
export function subscribe(subject: Subject, progressMs: number, since: number | undefined, hear: (frame: Heard) => void): () => void {
  const sub = `s${++last}`;
  const subscription: Subscription = { subject, progressMs, hear, since };
  subscriptions.set(sub, subscription);
  if (socketOpen.value) ask(sub, subscription);
  else connect();
  return () => {
    subscriptions.delete(sub);
    if (socketOpen.value) send({ type: 'unsubscribe', sub });
  };
}

/** Opens the socket, also for a page without subscriptions: whether there is one is shown on every page. */
export function connect(): void {
  if (socket !== null || timer !== undefined || wantsToken.value) return;
  const url = address('api/v1/ws');
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  socket = new WebSocket(url);
  socket.onopen = welcome;
  socket.onmessage = (message) => take(String(message.data));
  socket.onclose = again;
}

function welcome(): void {
  const secret = token();
  if (secret !== null) send({ type: 'auth', token: secret });
  opened = true;
  wait = FIRST_WAIT;
  heardAt = Date.now();
  socketOpen.value = true;
  heard();
  for (const [sub, subscription] of subscriptions) ask(sub, subscription);
}

function ask(sub: string, { subject, progressMs, since }: Subscription): void {
  send({ type: 'subscribe', sub, ...subject, progress_ms: progressMs, ...(since === undefined ? {} : { since }) });
}

function send(frame: object): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
}

function again(): void {
  socket = null;
  const was = socketOpen.value;
  socketOpen.value = false;
  // If an open socket breaks, the server may not be reachable. A socket that never opened means nothing.
  // The server closes one that shows no token, and can be reached.
  if (was && !wantsToken.value) lost();
  const pause = opened ? wait : SELDOM;
  wait = Math.min(LONGEST_WAIT, wait * 1.6);
  timer = setTimeout(() => {
    timer = undefined;
    connect();
  }, pause);
}

/** Begins anew, because the server was lost and found again. */
export function restart(): void {
  for (const subscription of subscriptions.values()) subscription.since = undefined;
  clearTimeout(timer);
  timer = undefined;
  connect();
}

interface Wire {
  sub?: string;
  type: string;
  seq?: number;
  cursor?: number;
}

function take(text: string): void {
  heardAt = Date.now();
  heard();
  let frame: Wire;
  try {
    frame = JSON.parse(text) as Wire;
  } catch {
    return;
  }
  if (frame.type === 'error' && (frame as { data?: { code?: string } }).data?.code === 'UNAUTHENTICATED') {
    wantsToken.value = true;
    return;
  }
  const subscription = frame.sub === undefined ? undefined : subscriptions.get(frame.sub);
  if (subscription === undefined) return;
  remember(subscription, frame);
  if (frame.type !== 'subscribed' && frame.type !== 'unsubscribed') subscription.hear(frame as unknown as Heard);
}

function remember(subscription: Subscription, frame: Wire): void {
  const one = 'operation_id' in subscription.subject;
  const snapshot = frame.type === 'snapshot' ? (frame as { data?: { cursor?: number } & Partial<Row> }).data : undefined;
  const place = one ? (frame.seq ?? snapshot?.seq) : (frame.cursor ?? snapshot?.cursor);
  if (place !== undefined) subscription.since = place;
}

setInterval(() => {
  if (!socketOpen.value || reach.value !== 'here') return;
  // The connection is half-open: nothing came for a long time, not even the answer to a ping.
  if (Date.now() - heardAt > 3 * PING_MS) socket?.close();
  else send({ type: 'ping' });
}, PING_MS);
