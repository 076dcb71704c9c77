// The upload of a file to the server's import folder. It goes on while the user is on another page of the
// console, and there is one at a time.
import { signal } from '@preact/signals';
import { Unreachable, put, words } from './api.ts';
import { changes } from './read.ts';
import type { ImportAnswer } from './wire.ts';

export interface Upload {
  /** Uploads are numbered, because the same file may be uploaded again. */
  number: number;
  name: string;
  bytes: number;
  sent: number;
  phase: 'sending' | 'complete' | 'failed';
  /** Why it failed. */
  problem: string;
  /** Whether it took the place of a file of the same name. */
  replaced: boolean;
}

/** The present upload, or the last one. */
export const upload = signal<Upload | null>(null);

let stop = new AbortController();
let last = 0;

/** The API's path of a file in the import folder. */
export function importPath(name: string): string {
  return `/data/imports/${encodeURIComponent(name)}`;
}

export async function send(file: File): Promise<void> {
  if (upload.value?.phase === 'sending') return;
  const { name, size } = file;
  stop = new AbortController();
  let held: Upload = { number: ++last, name, bytes: size, sent: 0, phase: 'sending', problem: '', replaced: false };
  const set = (more: Partial<Upload>): void => {
    held = { ...held, ...more };
    upload.value = held;
  };
  set({});
  try {
    const { bytes, replaced } = await put<ImportAnswer>(importPath(name), file, (sent) => set({ sent: Math.min(sent, size) }), stop.signal);
    set({ phase: 'complete', bytes, sent: bytes, replaced });
    changes.value++;
  } catch (error) {
    set({ phase: 'failed', problem: stop.signal.aborted ? 'The upload was stopped' : failure(error) });
  }
}

export function abort(): void {
  stop.abort();
}

function failure(error: unknown): string {
  if (error instanceof Unreachable) return 'The connection was cut. The file may have changed while it was sent, or be larger than the server (data.upload_limit_mb) or a proxy before it takes';
  return words(error);
}
