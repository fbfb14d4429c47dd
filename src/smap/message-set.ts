import { Slice } from '../store/slices.ts';
import { type Ranges, takeSet } from './framing.ts';
import { Refused } from './refused.ts';
import type { View } from './view.ts';

/** The indexes of the view that a set names; numbers above the count are passed over. */
export function* indexesOf(view: View, ranges: Ranges): Generator<number> {
  const { count } = view;
  for (const [first, last] of ranges) for (let n = first; n <= last && n <= count; n++) yield n - 1;
}

/** The UIDs of a set with the messages' numbers. */
export async function numberedUids(view: View, ranges: Ranges): Promise<[number: number, uid: number][]> {
  const slice = new Slice();
  const messages: [number, number][] = [];
  for (const index of indexesOf(view, ranges)) {
    messages.push([index + 1, view.uids[index]!]);
    if (slice.isOver()) await slice.next();
  }
  return messages;
}

/** Reads the set that begins a command. @throws {Refused} it is out of order */
export function readSet(words: readonly string[]): { ranges: Ranges; rest: string[] } {
  const set = takeSet(words);
  if (!set) throw new Refused('Syntax error.');
  return set;
}
