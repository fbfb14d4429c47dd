import { pacedSort } from '../base/paced-sort.ts';
import { type Facts, factsOf, keptAnswer } from './facts.ts';
import type { SearchKey } from './keys.ts';
import { internalDates, learnAll, wireSizes } from './learn-all.ts';
import { Pacer } from './pacer.ts';
import { placesOf } from './ranks.ts';
import { searchPaced } from './search.ts';
import type { SearchOptions, SearchView } from './view.ts';

export type SortField = 'arrival' | 'cc' | 'date' | 'from' | 'size' | 'subject' | 'to';

export interface SortCriterion {
  readonly field: SortField;
  readonly reverse: boolean;
}

/**
 * Searches, then orders by the criteria; ties keep mailbox order (RFC 5256 §3).
 * @returns indexes of the view; not to be changed, others may get the same
 */
export async function sort(
  view: SearchView,
  criteria: readonly SortCriterion[],
  key: SearchKey,
  options: SearchOptions,
): Promise<Uint32Array> {
  const pacer = new Pacer(options.signal);
  const found = await searchPaced(view, key, options, pacer);
  const facts = factsOf(view);
  const question = `sort ${criteria.map(({ field, reverse }) => `${reverse ? '-' : ''}${field}`).join(' ')}`;
  return keptAnswer(facts, question, found.length, () => order(view, facts, criteria, found, pacer));
}

async function order(
  view: SearchView,
  facts: Facts,
  criteria: readonly SortCriterion[],
  found: Uint32Array,
  pacer: Pacer,
): Promise<Uint32Array> {
  const indexes = criteria.some(({ field }) => field !== 'arrival' && field !== 'size')
    ? await learnAll(view, facts, found, pacer)
    : Int32Array.from(found);
  const keys: ArrayLike<number>[] = [];
  for (const { field } of criteria) keys.push(await sortKeys(view, facts, field, indexes, pacer));
  const signs = criteria.map(({ reverse }) => (reverse ? -1 : 1));
  const sorted = await pacedSort(
    indexes,
    (a, b) => {
      for (let i = 0; i < keys.length; i++) {
        const difference = keys[i]![a]! - keys[i]![b]!;
        if (difference !== 0) return difference * signs[i]!;
      }
      return a - b;
    },
    pacer,
  );
  return Uint32Array.from(sorted);
}

/** What to compare for a criterion: a number for each index of the view. */
async function sortKeys(
  view: SearchView,
  facts: Facts,
  field: SortField,
  indexes: Int32Array,
  pacer: Pacer,
): Promise<ArrayLike<number>> {
  switch (field) {
    case 'arrival':
      return finite(await internalDates(view, indexes, pacer));
    case 'size':
      return finite(await wireSizes(view, indexes, pacer));
    case 'date':
      return sentDates(view, facts, indexes, pacer);
    case 'subject':
      return placesOf(facts, facts.baseSubject, pacer);
    default:
      return placesOf(facts, facts[`${field}Mailbox`], pacer);
  }
}

/** RFC 5256 §2.2: without a readable Date field, the internal date. */
export async function sentDates(
  view: SearchView,
  facts: Facts,
  indexes: Int32Array,
  pacer: Pacer,
): Promise<Float64Array> {
  const seconds = facts.sentSeconds.slice();
  const undated = indexes.filter((index) => Number.isNaN(seconds[index]!));
  if (undated.length > 0) {
    const arrivals = await internalDates(view, undated, pacer);
    for (const index of undated) seconds[index] = arrivals[index]!;
  }
  return finite(seconds);
}

/** NaN has no order. */
function finite(numbers: Float64Array): Float64Array {
  for (let i = 0; i < numbers.length; i++) if (Number.isNaN(numbers[i]!)) numbers[i] = 0;
  return numbers;
}
