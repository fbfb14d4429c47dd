import { pacedSort } from '../base/paced-sort.ts';
import { type Facts, factsOf, keptAnswer } from './facts.ts';
import type { SearchKey } from './keys.ts';
import { learnAll } from './learn-all.ts';
import { Pacer } from './pacer.ts';
import { searchPaced } from './search.ts';
import { sentDates } from './sort.ts';
import type { ThreadForest } from './thread-forest.ts';
import { threadByReferences } from './thread-references.ts';
import { threadBySubject } from './thread-subject.ts';
import type { SearchOptions, SearchView } from './view.ts';

export { formatThreads, type ThreadForest } from './thread-forest.ts';

export type ThreadAlgorithm = 'orderedSubject' | 'references';

/**
 * Searches, then arranges the messages in threads (RFC 5256 §3). Roots are in the order to send.
 * @returns not to be changed, others may get the same
 */
export async function thread(
  view: SearchView,
  algorithm: ThreadAlgorithm,
  key: SearchKey,
  options: SearchOptions,
): Promise<ThreadForest> {
  const pacer = new Pacer(options.signal);
  const found = await searchPaced(view, key, options, pacer);
  const facts = factsOf(view);
  return keptAnswer(facts, `thread ${algorithm}`, found.length, () =>
    grow(view, facts, algorithm, found, pacer),
  );
}

async function grow(
  view: SearchView,
  facts: Facts,
  algorithm: ThreadAlgorithm,
  found: Uint32Array,
  pacer: Pacer,
): Promise<ThreadForest> {
  const indexes = await learnAll(view, facts, found, pacer);
  const dates = await sentDates(view, facts, indexes, pacer);
  const ordered = await pacedSort(indexes, (a, b) => dates[a]! - dates[b]! || a - b, pacer);
  const arrange = algorithm === 'references' ? threadByReferences : threadBySubject;
  return arrange(facts, ordered, pacer);
}
