import { pacedSort } from '../base/paced-sort.ts';
import { Slice } from './slices.ts';

/**
 * The order in which new messages get their UIDs (maildir-store §4.5): by the number a name begins with, then by
 * octets up to the first colon. Names are latin1 strings.
 */
export function compareNames(a: string, b: string): number {
  return compareKeys(leadingNumber(a), leadingNumber(b), upToColon(a), upToColon(b));
}

/** Sorts messages by their names as `compareNames` does, reading each number once, in slices. */
export async function sortByName<T extends { readonly name: string }>(messages: Iterable<T>): Promise<T[]> {
  const slice = new Slice();
  const all = [...messages];
  const numbers = new Float64Array(all.length);
  const texts: string[] = [];
  for (const [index, { name }] of all.entries()) {
    numbers[index] = leadingNumber(name);
    texts.push(upToColon(name));
    if (slice.isOver()) await slice.next();
  }
  const sorted = await pacedSort(
    Int32Array.from(all.keys()),
    (a, b) => compareKeys(numbers[a]!, numbers[b]!, texts[a]!, texts[b]!),
    { due: () => slice.isLong(), pause: () => slice.next() },
  );
  return Array.from(sorted, (index) => all[index]!);
}

function compareKeys(numberA: number, numberB: number, textA: string, textB: string): number {
  if (numberA !== numberB) return numberA < numberB ? -1 : 1;
  return textA < textB ? -1 : textA > textB ? 1 : 0;
}

/** C's strtol, base 10: white space, a sign, digits; 0 without digits. */
function leadingNumber(name: string): number {
  const digits = /^[ \t\n\v\f\r]*([+-]?\d+)/.exec(name);
  return digits ? Number(digits[1]) : 0;
}

function upToColon(name: string): string {
  const colon = name.indexOf(':');
  return colon < 0 ? name : name.slice(0, colon);
}

/** Length of the base name: up to, without, the last colon (maildir-store §4.1). */
export function baseLength(name: string): number {
  const colon = name.lastIndexOf(':');
  return colon < 0 ? name.length : colon;
}
