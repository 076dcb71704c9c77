// Sentences in which somebody else's words stand: a name, a reason, a message. Such words may run
// from right to left, and must not carry the rest of the sentence with them.

/** Somebody else's words. */
export interface Said {
  said: string;
}

export type Words = (string | Said)[];

/** A template: `asked by ${said(name)}` has the name apart from what is said about it; numbers and the like
 * belong to the sentence, and so do words within words. */
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

/** As plain text, for where there is no markup. */
export function plain(words: Words): string {
  return words.map((part) => (typeof part === 'string' ? part : part.said)).join('');
}
