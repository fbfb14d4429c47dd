import type { SearchKey } from './keys.ts';
import type { SearchOptions, SearchView } from './view.ts';

export type SortField = 'arrival' | 'cc' | 'date' | 'from' | 'size' | 'subject' | 'to';

export interface SortCriterion {
  readonly field: SortField;
  readonly reverse: boolean;
}

/**
 * Searches, then orders by the criteria; ties keep mailbox order (RFC 5256 §3).
 * @returns indexes of the view
 */
export async function sort(
  view: SearchView,
  criteria: readonly SortCriterion[],
  key: SearchKey,
  options: SearchOptions,
): Promise<Uint32Array> {
  throw new Error(`${view.count} ${criteria.length} ${key.kind} ${options.nowSeconds}`);
}
