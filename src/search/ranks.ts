import { pacedSort } from '../base/paced-sort.ts';
import type { Facts } from './facts.ts';
import type { Pacer } from './pacer.ts';

/**
 * The place of each message's text in the alphabetical order (by code unit) of a column's texts; kept until the
 * column learns more. Missing and empty texts share the first place.
 */
export async function placesOf(facts: Facts, column: Int32Array, pacer: Pacer): Promise<Int32Array> {
  const known = facts.ranks.get(column);
  if (known?.learned === facts.learned) return known.places;
  const { learned, strings } = facts;
  const used = new Uint8Array(strings.size);
  for (const text of column) if (text >= 0) used[text] = 1;
  const numbers = new Int32Array(used.reduce((sum, bit) => sum + bit, 0));
  for (let text = 0, at = 0; text < used.length; text++) if (used[text] === 1) numbers[at++] = text;
  const sorted = await pacedSort(numbers, (a, b) => (strings.text(a) < strings.text(b) ? -1 : 1), pacer);
  const placeOfText = new Int32Array(used.length);
  for (let place = 0; place < sorted.length; place++) placeOfText[sorted[place]!] = place;
  const empty = strings.find('');
  const places = column.map((text) => (text < 0 || text === empty ? -1 : placeOfText[text]!));
  if (facts.learned === learned) facts.ranks.set(column, { learned, places });
  return places;
}
