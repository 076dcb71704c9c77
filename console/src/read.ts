// Reads something, and reads it again whenever it may have changed: when an operation that makes such things
// has ended, or when the server was lost and found again.
import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { Unreachable, get } from './api.ts';
import { life, socketOpen } from './connection.ts';
import { repeat } from './feed/frames.ts';
import { subscribe } from './feed/socket.ts';
import { isEnded } from './status.ts';

/** How often it is read without a socket. With a socket it is read only when something has happened. */
const POLL_MS = 3_000;
const SELDOM_MS = 60_000;

/** Counts what this page has changed itself, so that everything is read again. */
export const changes = signal(0);

export interface Read<T> {
  got: T | null;
  problem: unknown;
}

/** The data at `path`; with `kind`, read again when an operation of that kind has ended. */
export function useRead<T>(path: string, kind?: string): Read<T> {
  const [state, setState] = useState<Read<T>>({ got: null, problem: null });
  useEffect(() => {
    let gone = false;
    const read = async (): Promise<void> => {
      try {
        const got = await get<T>(path);
        if (!gone) setState({ got, problem: null });
      } catch (problem) {
        // Old data is more useful than a message about the network.
        if (!gone) setState((held) => (held.got !== null && problem instanceof Unreachable ? held : { got: null, problem }));
      }
    };
    const loop = repeat(async () => {
      await read();
      return socketOpen.value || kind === undefined ? SELDOM_MS : POLL_MS;
    });
    const end = kind === undefined ? undefined : subscribe({ filter: { kind: [kind] } }, 10_000, undefined, (frame) => {
      const ended = frame.type === 'status' && isEnded(frame.data.status);
      // After a snapshot it is read too, because something may have ended before.
      if (ended || frame.type === 'snapshot') loop.now();
    });
    return () => {
      gone = true;
      loop.stop();
      end?.();
    };
  }, [path, kind, life.value, changes.value]);
  return state;
}
