// Whether the server can be reached, which is known from every request and from the socket. If it cannot be
// reached, this module tries again.
import { signal } from '@preact/signals';
import { address } from './base.ts';
import { forget, now } from './clock.ts';

export type Reach = 'asking' | 'here' | 'gone';

/** Whether the server answers. */
export const reach = signal<Reach>('asking');

/** When the server last answered, by this machine's clock. */
export const lastHeard = signal(Date.now());

let lostAt = 0;

/** The present time of the server; while it cannot be reached, the time when it was lost, because what it did
 * since is not known. */
export function lastSeen(): number {
  return reach.value === 'gone' ? lostAt : now();
}

/** Whether the socket is open. Without it the console polls. */
export const socketOpen = signal(false);

/** Counts how often the server was lost and found again, because it may have restarted then. */
export const life = signal(0);

const FIRST_WAIT = 500;
const LONGEST_WAIT = 5_000;

/** The server has answered. */
export function heard(): void {
  lastHeard.value = Date.now();
  if (reach.value === 'here') return;
  const again = reach.value === 'gone';
  reach.value = 'here';
  if (again) {
    forget();
    life.value++;
  }
}

/** A request could not reach the server. */
export function lost(): void {
  if (reach.value === 'gone') return;
  lostAt = now();
  reach.value = 'gone';
  void seek(FIRST_WAIT);
}

async function seek(wait: number): Promise<void> {
  await new Promise((done) => setTimeout(done, wait));
  if (reach.value !== 'gone') return;
  try {
    const answer = await fetch(address('healthz'), { cache: 'no-store' });
    if (answer.ok) return heard();
  } catch {
    // The server does not answer yet.
  }
  void seek(Math.min(LONGEST_WAIT, wait * 1.6));
}
