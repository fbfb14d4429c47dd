import type { SearchKey } from './keys.ts';
import type { SearchOptions, SearchView } from './view.ts';

/**
 * Finds the messages of a view that match (RFC 3501 §6.4.4).
 * @returns ascending indexes of the view: index + 1 is the sequence number, `view.uids[index]` the UID
 */
export async function search(view: SearchView, key: SearchKey, options: SearchOptions): Promise<Uint32Array> {
  throw new Error(`${view.count} ${key.kind} ${options.nowSeconds}`);
}
