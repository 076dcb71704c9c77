// The kinds of the server, which decide what can be started and which pages there are.
import { signal } from '@preact/signals';
import { get, words } from '../api.ts';
import type { Kind } from '../wire.ts';
import { repeat } from './frames.ts';

/** How soon they are read again after a failure, and otherwise: a server keeps its kinds as long as it runs. */
const AGAIN_MS = 2_000;
const SELDOM_MS = 3_600_000;

/** The kinds; null until the server has named them. */
export const kinds = signal<Kind[] | null>(null);
export const kindsProblem = signal('');

/** Whether the server is known to have a kind. */
export function hasKind(name: string): boolean {
  return kinds.value?.some((one) => one.kind === name) ?? false;
}

/** Reads the kinds until the server has named them. Returns a function that ends this. */
export function watchKinds(): () => void {
  const loop = repeat(async () => {
    try {
      kinds.value = await get<Kind[]>('/kinds');
      kindsProblem.value = '';
      return SELDOM_MS;
    } catch (error) {
      kindsProblem.value = words(error);
      return AGAIN_MS;
    }
  });
  return loop.stop;
}
