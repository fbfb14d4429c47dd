import { MailError } from '../base/mail-error.ts';
import { describe } from '../store/describe.ts';
import { type Facts, isComplete } from './facts.ts';
import { learn } from './learn.ts';
import { MessageReader } from './message-reader.ts';
import type { Pacer } from './pacer.ts';
import type { SearchView } from './view.ts';

/**
 * Fills in the facts of the messages at `indexes`. One that cannot be read keeps empty facts, and is asked again
 * the next time.
 * @returns the indexes of those that are still there
 */
export async function learnAll(
  view: SearchView,
  facts: Facts,
  indexes: Uint32Array,
  pacer: Pacer,
): Promise<Int32Array> {
  if (isComplete(facts)) return Int32Array.from(indexes);
  await view.folder.computed.ready();
  const reader = new MessageReader(view.folder);
  return keepReadable(indexes, pacer, (index) => {
    if (facts.known[index] === 1) return undefined;
    reader.use(view.uids[index]!);
    try {
      learn(facts, index, view.folder, reader);
    } finally {
      reader.close();
    }
    return undefined;
  });
}

/** Each message's internal date in seconds, by index of the view; NaN where it cannot be had. */
export async function internalDates(
  view: SearchView,
  indexes: Int32Array,
  pacer: Pacer,
): Promise<Float64Array> {
  const seconds = new Float64Array(view.count).fill(Number.NaN);
  await keepReadable(indexes, pacer, (index) => {
    const row = view.folder.rowOf(view.uids[index]!);
    if (row >= 0) seconds[index] = view.folder.internalDate(row);
    return undefined;
  });
  return seconds;
}

/** Each message's size in octets on the wire, by index of the view; NaN where it cannot be had. */
export async function wireSizes(view: SearchView, indexes: Int32Array, pacer: Pacer): Promise<Float64Array> {
  const sizes = new Float64Array(view.count).fill(Number.NaN);
  await keepReadable(indexes, pacer, (index) => {
    const row = view.folder.rowOf(view.uids[index]!);
    const description = row < 0 ? undefined : describe(view.folder, row);
    if (!(description instanceof Promise)) {
      sizes[index] = description?.wireOctets ?? Number.NaN;
      return undefined;
    }
    return description.then(({ wireOctets }) => {
      sizes[index] = wireOctets;
    });
  });
  return sizes;
}

/** Does something with each message. @returns the indexes of those that have not gone */
async function keepReadable(
  indexes: ArrayLike<number>,
  pacer: Pacer,
  work: (index: number) => Promise<void> | undefined,
): Promise<Int32Array> {
  const kept = new Int32Array(indexes.length);
  let count = 0;
  for (let i = 0; i < indexes.length; i++) {
    if ((i & 15) === 0 && pacer.due()) await pacer.pause();
    try {
      const slow = work(indexes[i]!);
      if (slow !== undefined) await slow;
    } catch (error) {
      if (!(error instanceof MailError) || (error.kind !== 'expunged' && error.kind !== 'unavailable'))
        throw error;
      if (error.kind === 'expunged') continue;
    }
    kept[count++] = indexes[i]!;
  }
  return kept.subarray(0, count);
}
