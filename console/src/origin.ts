// Where a model comes from, and what a verification of it found, in words.
import { count } from './format.ts';
import type { Machine, ModelAncestor } from './wire.ts';

/** A place where a training began or went on. */
export interface Place {
  operation: string;
  run: number;
  at: string;
  /** `from the beginning`, `after 3 epochs and 12 batches`. */
  whence: string;
  /** What is different from here on: params, and the machine. */
  changed: string[];
}

/** The most places that are shown: of more, the first and the last. */
const MOST = 8;

/** The places where a training began and went on, and how many between the first and the rest are left out. */
export function course(ancestry: readonly ModelAncestor[]): { places: Place[]; leftOut: number } {
  const all = ancestry.map((one, at): Place => {
    const before = ancestry[at - 1];
    return { operation: one.operation_id, run: one.run, at: one.at, whence: whence(one), changed: before === undefined ? [] : changes(before, one) };
  });
  const leftOut = Math.max(0, all.length - MOST);
  return { places: all.filter((_, at) => at === 0 || at > leftOut), leftOut };
}

function whence({ epochs, batches }: ModelAncestor): string {
  const parts = [counted(epochs, 'epoch', 'epochs'), counted(batches, 'batch', 'batches')].filter((part) => part !== '');
  return parts.length === 0 ? 'from the beginning' : `after ${parts.join(' and ')}`;
}

function counted(number: number, one: string, many: string): string {
  return number === 0 ? '' : `${count(number)} ${number === 1 ? one : many}`;
}

function changes(before: ModelAncestor, now: ModelAncestor): string[] {
  const [old, params] = [before, now].map((one) => one.params as Record<string, unknown>) as [Record<string, unknown>, Record<string, unknown>];
  const changed = Object.entries(params).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(old[name]));
  const said = changed.map(([name, value]) => `${name.replaceAll('_', ' ')} ${String(value)}`);
  const other = machine(before.machine) !== machine(now.machine);
  return other ? [...said, machine(now.machine)] : said;
}

/** `Some CPU @ 2.00GHz, 2 threads, cpu, libtorch 2.9.1` */
export function machine({ processor, threads, device, libtorch }: Machine): string {
  return [processor, counted(threads, 'thread', 'threads'), device, `libtorch ${libtorch}`].join(', ');
}

export interface Verdict {
  sign: string;
  bits: string;
  /** In the server's words. */
  verdict: string;
  bad: boolean;
}

/** What a verification found; null if this is not the result of one. */
export function found(result: unknown): Verdict | null {
  if (typeof result !== 'object' || result === null) return null;
  const { identical, bits_promised: promised, verdict } = result as Record<string, unknown>;
  if (typeof identical !== 'boolean' || typeof verdict !== 'string') return null;
  if (identical) return { sign: '✔', bits: `The bits are identical${promised === true ? '' : ', although they are not promised on this machine'}`, verdict, bad: false };
  if (promised === true) return { sign: '✘', bits: 'The bits are not identical, although they are promised on this machine', verdict, bad: true };
  return { sign: '–', bits: 'The bits are not identical, and are not promised on this machine', verdict, bad: false };
}
