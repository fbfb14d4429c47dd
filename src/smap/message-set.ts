import type { Ranges } from './framing.ts';
import { takeSet } from './framing.ts';
import { Refused } from './refused.ts';
import type { View } from './view.ts';

/** The indexes of the view that a set names; numbers above the count are passed over. */
export function* indexesOf(view: View, ranges: Ranges): Generator<number> {
  const { count } = view;
  for (const [first, last] of ranges) for (let n = first; n <= last && n <= count; n++) yield n - 1;
}

/** The UIDs of a set with the messages' numbers. */
export function numberedUids(view: View, ranges: Ranges): [number: number, uid: number][] {
  return Array.from(indexesOf(view, ranges), (index) => [index + 1, view.uids[index]!]);
}

/** Reads the set that begins a command. @throws {Refused} it is out of order */
export function readSet(words: readonly string[]): { ranges: Ranges; rest: string[] } {
  const set = takeSet(words);
  if (!set) throw new Refused('Syntax error.');
  return set;
}
