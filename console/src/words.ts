// Sentences that contain texts of other people: a name, a reason, a message. Such a text may run from right to
// left, and must not change the direction of the rest of the sentence.

/** A text of somebody else. */
export interface Said {
  said: string;
}

export type Words = (string | Said)[];

/** A template: in `asked by ${said(name)}` the name is isolated from the sentence. Numbers and the like belong
 * to the sentence, and so do sentences within it. */
export function sentence(parts: TemplateStringsArray, ...between: (Words | Said | string | number)[]): Words {
  const all = parts.flatMap((part, index): Words => {
    const next = between[index] ?? '';
    const words = Array.isArray(next) ? next : [typeof next === 'object' ? next : String(next)];
    return [part, ...words];
  });
  return all.filter((part) => part !== '');
}

export function said(text: string): Said {
  return { said: text };
}

/** The sentence as plain text, where there is no markup. */
export function plain(words: Words): string {
  return words.map((part) => (typeof part === 'string' ? part : part.said)).join('');
}
