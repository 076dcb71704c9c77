// The server's clock. Times are computed with it, so that a browser with a wrong clock shows the same.
import { signal } from '@preact/signals';

let offset = 0;
let best = Infinity;
let measuredAt = -Infinity;

/** Takes in a time of the server that was read between these two times of this machine. */
export function learn(said: string, askedAt: number, answeredAt: number): void {
  const trip = answeredAt - askedAt;
  // The quickest answer is the most exact. An old one is replaced, because clocks drift.
  if (trip > best && answeredAt - measuredAt < 60_000) return;
  const time = Date.parse(said);
  if (Number.isNaN(time)) return;
  offset = time - (askedAt + trip / 2);
  best = trip;
  measuredAt = answeredAt;
}

/** Forgets the clock, because another server may have another one. */
export function forget(): void {
  best = Infinity;
}

/** The present time by the server's clock. */
export function now(): number {
  return Date.now() + offset;
}

/** Milliseconds since a time of the server; never negative. */
export function since(time: string, at = now()): number {
  return Math.max(0, at - Date.parse(time));
}

/** Changes twice a second, for texts that count seconds. */
export const tick = signal(0);

setInterval(() => {
  if (!document.hidden) tick.value++;
}, 500);
