// Whether the server can be reached, known from every request and from the socket, and what finds
// it again when it cannot.
import { signal } from '@preact/signals';
import { address } from './base.ts';
import { forget, now } from './clock.ts';

export type Reach = 'asking' | 'here' | 'gone';

/** Whether it answers. */
export const reach = signal<Reach>('asking');

/** When it was last heard, by this machine's clock. */
export const lastHeard = signal(Date.now());

let lostAt = 0;

/** Now, by the server; while it is gone, when it was lost: what it did since, nobody knows. */
export function lastSeen(): number {
  return reach.value === 'gone' ? lostAt : now();
}

/** Whether the socket is open; without it the server is asked again and again. */
export const socketOpen = signal(false);

/** Up by one whenever the server was lost and found: what was known may be of another life. */
export const life = signal(0);

const FIRST_WAIT = 500;
const LONGEST_WAIT = 5_000;

/** It said something. */
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

/** A request found nobody. */
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
    // Not yet.
  }
  void seek(Math.min(LONGEST_WAIT, wait * 1.6));
}
