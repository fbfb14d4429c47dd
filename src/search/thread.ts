import type { SearchKey } from './keys.ts';
import type { SearchOptions, SearchView } from './view.ts';

export type ThreadAlgorithm = 'orderedSubject' | 'references';

/** One message of a thread, or a missing parent (`index` -1, only at the top and with two children or more). */
export interface ThreadNode {
  readonly index: number;
  readonly children: readonly ThreadNode[];
}

/** Searches, then arranges the messages in threads (RFC 5256 §3). @returns the roots, in the order to send */
export async function thread(
  view: SearchView,
  algorithm: ThreadAlgorithm,
  key: SearchKey,
  options: SearchOptions,
): Promise<ThreadNode[]> {
  throw new Error(`${view.count} ${algorithm} ${key.kind} ${options.nowSeconds}`);
}

/**
 * The data of `* THREAD`: `(1 (2 3)(4))(5)`; a chain of single children is written flat.
 * @param numberOf  index to the number sent: sequence number or UID
 */
export function formatThreads(roots: readonly ThreadNode[], numberOf: (index: number) => number): string {
  return `${roots.length}${numberOf(0)}`;
}
