// Shows texts of other people inside a sentence, isolated so that their direction does not change it.
import { Fragment, type JSX } from 'preact';
import type { Words } from '../words.ts';

export function Sentence({ of }: { of: Words }): JSX.Element {
  return <>{of.map((part, index) => (typeof part === 'string' ? <Fragment key={index}>{part}</Fragment> : <bdi key={index}>{part.said}</bdi>))}</>;
}
