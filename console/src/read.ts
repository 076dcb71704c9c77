// Something that is read once and again whenever it may have changed: an operation that makes such
// things has ended, or the server was lost and found.
import { useEffect, useState } from 'preact/hooks';
import { Unreachable, get } from './api.ts';
import { life, socketOpen } from './connection.ts';
import { repeat } from './feed/frames.ts';
import { subscribe } from './feed/socket.ts';
import { isEnded } from './status.ts';

/** Without a socket it is read again this often, with one only when something has happened. */
const POLL_MS = 3_000;
const SELDOM_MS = 60_000;

export interface Read<T> {
  got: T | null;
  problem: unknown;
}

/** What is at `path`; with `kind`, read again when an operation of that kind has ended. */
export function useRead<T>(path: string, kind?: string): Read<T> {
  const [state, setState] = useState<Read<T>>({ got: null, problem: null });
  useEffect(() => {
    let gone = false;
    const read = async (): Promise<void> => {
      try {
        const got = await get<T>(path);
        if (!gone) setState({ got, problem: null });
      } catch (problem) {
        // What was read before is better than a word about the network.
        if (!gone) setState((held) => (held.got !== null && problem instanceof Unreachable ? held : { got: null, problem }));
      }
    };
    const loop = repeat(async () => {
      await read();
      return socketOpen.value || kind === undefined ? SELDOM_MS : POLL_MS;
    });
    const end = kind === undefined ? undefined : subscribe({ filter: { kind: [kind] } }, 10_000, undefined, (frame) => {
      const ended = frame.type === 'status' && isEnded(frame.data.status);
      // A snapshot says where what follows begins; something may have ended before.
      if (ended || frame.type === 'snapshot') loop.now();
    });
    return () => {
      gone = true;
      loop.stop();
      end?.();
    };
  }, [path, kind, life.value]);
  return state;
}
