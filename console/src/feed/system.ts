// The state of the supervisor, polled while a page shows it.
import { signal } from '@preact/signals';
import { get, words } from '../api.ts';
import { reach } from '../connection.ts';
import type { Page, System } from '../wire.ts';
import { repeat } from './frames.ts';

export interface Counts {
  running: number;
  pending: number;
  stopping: number;
  paused: number;
}

export const system = signal<System | null>(null);
export const systemProblem = signal('');
export const counts = signal<Counts | null>(null);

async function readSystem(): Promise<void> {
  try {
    system.value = await get<System>('/system');
    systemProblem.value = '';
  } catch (error) {
    systemProblem.value = words(error);
  }
}

async function total(status: string): Promise<number> {
  return (await get<Page>(`/operations?status=${status}&limit=1`)).total_count;
}

async function readCounts(): Promise<void> {
  const [running, pending, stopping, paused] = await Promise.all(
    ['running', 'pending', 'cancelling,pausing', 'paused'].map(total),
  );
  // An answer from before the server was lost is out of date.
  if (reach.value === 'gone') return;
  counts.value = { running: running!, pending: pending!, stopping: stopping!, paused: paused! };
}

/** Polls the system, with or without the counts by status. Returns a function that ends this. */
export function watchSystem(withCounts: boolean, everyMs: number): () => void {
  const loop = repeat(async () => {
    if (reach.value === 'gone') {
      counts.value = null;
      return 500;
    }
    await readSystem();
    if (withCounts) await readCounts();
    return everyMs;
  });
  return loop.stop;
}
