// The server's clock is the clock: a browser whose own is wrong shows the same times.
import { signal } from '@preact/signals';

let offset = 0;
let best = Infinity;
let measuredAt = -Infinity;

/** Learns from a time that the server said, between asking it and having the answer. */
export function learn(said: string, askedAt: number, answeredAt: number): void {
  const trip = answeredAt - askedAt;
  // The quickest answer tells best; an old one is forgotten, since clocks drift.
  if (trip > best && answeredAt - measuredAt < 60_000) return;
  const time = Date.parse(said);
  if (Number.isNaN(time)) return;
  offset = time - (askedAt + trip / 2);
  best = trip;
  measuredAt = answeredAt;
}

/** Another server may have another clock. */
export function forget(): void {
  best = Infinity;
}

/** Now, by the server. */
export function now(): number {
  return Date.now() + offset;
}

/** Milliseconds since a time that the server said; never negative. */
export function since(time: string, at = now()): number {
  return Math.max(0, at - Date.parse(time));
}

/** Changes twice a second, for what counts seconds. */
export const tick = signal(0);

setInterval(() => {
  if (!document.hidden) tick.value++;
}, 500);
