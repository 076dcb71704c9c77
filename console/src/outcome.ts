// What became of a verb that was sent to one operation or to many, as one message.
import { count, short } from './format.ts';

export type Outcome = { id: string } & (
  | { is: 'done'; started?: string; recorded: boolean }
  | { is: 'refused'; code: string; problem: string }
  | { is: 'unanswered'; problem: string }
);

/** The ids of those that were refused. Nothing happened to them, so the verb can be sent to them again. */
export function refused(outcomes: readonly Outcome[]): string[] {
  return outcomes.filter((one) => one.is === 'refused').map((one) => one.id);
}

/** One message for all: `4 of 12 started again; 8 were refused: QUEUE_FULL: …`. */
export function told(outcomes: readonly Outcome[], done: string): { text: string; bad: boolean } {
  const good = outcomes.filter((one) => one.is === 'done');
  const lost = good.filter((one) => !one.recorded).length;
  const bad = good.length < outcomes.length || lost > 0;
  const [only] = outcomes;
  if (outcomes.length === 1 && only !== undefined) {
    if (only.is !== 'done') return { text: `${short(only.id)}: ${only.problem}`, bad };
    return { text: `${short(only.id)} ${done}${lost > 0 ? ', which could not be recorded' : ''}`, bad };
  }
  const parts = [`${count(good.length)} of ${count(outcomes.length)} ${done}`];
  if (lost > 0) parts.push(`${count(lost)} of these could not be recorded`);
  for (const { length, problem } of byCode(outcomes)) parts.push(`${count(length)} ${length === 1 ? 'was' : 'were'} refused: ${problem}`);
  const silent = outcomes.filter((one) => one.is === 'unanswered');
  if (silent[0] !== undefined) parts.push(`${count(silent.length)} got no answer: ${silent[0].problem}`);
  // Each part is a clause of one sentence, and the server's messages have no full stop of their own.
  return { text: parts.map((part) => part.replace(/\.$/, '')).join('; '), bad };
}

/** The refusals by their code, most frequent first, with the message of the first of them. */
function byCode(outcomes: readonly Outcome[]): { length: number; problem: string }[] {
  const found = new Map<string, { length: number; problem: string }>();
  for (const one of outcomes) {
    if (one.is !== 'refused') continue;
    const held = found.get(one.code);
    if (held === undefined) found.set(one.code, { length: 1, problem: one.problem });
    else held.length++;
  }
  return [...found.values()].sort((a, b) => b.length - a.length);
}
