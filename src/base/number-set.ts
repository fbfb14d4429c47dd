/**
 * Sets of message numbers or UIDs as clients write them: `1:5,9,20:*` (RFC 9051 §9, sequence-set).
 * `*` is the largest number there is, known only when the set is used.
 */

/** Inclusive ranges in the order written; `Infinity` is `*`, and an end may be smaller than its start. */
export type NumberRanges = readonly (readonly [number, number])[];

/** The largest number a set may name. */
const maxNumber = 4_294_967_295;

/**
 * Reads a set. A trailing comma is accepted, as Courier does.
 * @returns undefined for anything else: empty, zero, more than 32 bits
 */
export function parseNumberSet(text: string): NumberRanges | undefined {
  const ranges: [number, number][] = [];
  const end = text.length;
  let position = 0;
  while (position < end || position === 0) {
    const first = readNumber(text, position);
    if (first === undefined) return undefined;
    position = first.end;
    let last = first.value;
    if (text.charCodeAt(position) === 0x3a) {
      const second = readNumber(text, position + 1);
      if (second === undefined) return undefined;
      position = second.end;
      last = second.value;
    }
    ranges.push([first.value, last]);
    if (position < end && text.charCodeAt(position++) !== 0x2c) return undefined;
  }
  return ranges;
}

function readNumber(text: string, start: number): { value: number; end: number } | undefined {
  if (text.charCodeAt(start) === 0x2a) return { value: Number.POSITIVE_INFINITY, end: start + 1 };
  let value = 0;
  let position = start;
  for (; position < text.length; position++) {
    const digit = text.charCodeAt(position) - 0x30;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
    if (value > maxNumber) return undefined;
  }
  return position === start || value === 0 ? undefined : { value, end: position };
}

/**
 * Puts ranges in order, without overlap, with `*` resolved.
 * @param max  what `*` stands for; numbers beyond stay
 */
export function resolveRanges(ranges: NumberRanges, max: number): [number, number][] {
  const sorted = ranges
    .map(([a, b]): [number, number] => {
      const from = a === Number.POSITIVE_INFINITY ? max : a;
      const to = b === Number.POSITIVE_INFINITY ? max : b;
      return from <= to ? [from, to] : [to, from];
    })
    .sort((x, y) => x[0] - y[0]);
  const result: [number, number][] = [];
  for (const range of sorted) {
    const last = result[result.length - 1];
    if (last !== undefined && range[0] <= last[1] + 1) last[1] = Math.max(last[1], range[1]);
    else result.push(range);
  }
  return result;
}

/** True if the set holds the number; `ranges` as {@link resolveRanges} gives them. */
export function inRanges(ranges: NumberRanges, value: number): boolean {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ranges[middle]![1] < value) low = middle + 1;
    else high = middle;
  }
  return low < ranges.length && ranges[low]![0] <= value;
}

/** Writes numbers as a set: `[1, 2, 3, 7]` is `1:3,7`. Their order is kept. */
export function formatNumberSet(numbers: ArrayLike<number>): string {
  let text = '';
  for (let i = 0; i < numbers.length; ) {
    const first = numbers[i]!;
    let last = first;
    i++;
    while (i < numbers.length && numbers[i] === last + 1) {
      last++;
      i++;
    }
    text += (text === '' ? '' : ',') + (first === last ? `${first}` : `${first}:${last}`);
  }
  return text;
}
