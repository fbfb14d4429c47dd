import type { SearchKey } from './keys.ts';
import type { SearchOptions, SearchView } from './view.ts';

export type ThreadAlgorithm = 'orderedSubject' | 'references';

/**
 * Threads in columns. Nodes are 0 to `index.length` - 1; -1 ends a chain.
 * `index` is the view's index of the node's message, or -1 for a missing parent.
 */
export interface ThreadForest {
  readonly index: Int32Array;
  readonly firstChild: Int32Array;
  readonly nextSibling: Int32Array;
  readonly firstRoot: number;
}

/** Searches, then arranges the messages in threads (RFC 5256 §3). Roots are in the order to send. */
export async function thread(
  view: SearchView,
  algorithm: ThreadAlgorithm,
  key: SearchKey,
  options: SearchOptions,
): Promise<ThreadForest> {
  throw new Error(`${view.count} ${algorithm} ${key.kind} ${options.nowSeconds}`);
}

/**
 * The data of `* THREAD`: `(1 (2 3)(4))(5)`; a chain of single children is written flat.
 * @param numberOf  index to the number sent: sequence number or UID
 */
export function formatThreads(forest: ThreadForest, numberOf: (index: number) => number): string {
  return `${forest.firstRoot}${numberOf(0)}`;
}
