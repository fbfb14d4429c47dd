/** Words, quoting, message sets and uploads of SMAP1 (smap §2, §3), without a connection. */

/** A word that begins with `"` ends at the next single `"` or the line's end; `""` inside it is one `"`. */
export function splitWords(line: string): string[] {
  return Array.from(line.matchAll(/"((?:[^"]|"")*)"?|[^ \t\r\v\f]+/g), ([word, quoted]) =>
    quoted === undefined ? word : quoted.replaceAll('""', '"'),
  );
}

export function quoteWord(text: string): string {
  return text.includes('"') ? `"${text.replaceAll('"', '""')}"` : `"${text}"`;
}

/** Inclusive ranges of message numbers, ascending. */
export type Ranges = readonly (readonly [number, number])[];

/** Ascending `n` and `n-m` from the front; `rest` is what follows. undefined: out of order, 0, or `3-2`. */
export function takeSet(words: readonly string[]): { ranges: Ranges; rest: string[] } | undefined {
  const ranges: [number, number][] = [];
  let previous = 0;
  let at = 0;
  for (; at < words.length; at++) {
    const [, first, last] = /^(\d+)(?:-(\d+))?/.exec(words[at]!) ?? [];
    if (first === undefined) break;
    const range: [number, number] = [Number(first), Number(last ?? first)];
    if (range[0] <= previous || range[1] < range[0]) return undefined;
    ranges.push(range);
    previous = range[1];
  }
  return { ranges, rest: words.slice(at) };
}

/** What one line may hold: removed messages, or items of a search. */
const perLine = 101;

/** `1-3 7`, at most 101 numbers a line, each line as a later one would count if the numbers before were removed. */
export function expungeLines(numbers: readonly number[]): string[] {
  const lines: string[] = [];
  for (let from = 0; from < numbers.length; from += perLine) {
    const piece = numbers.slice(from, from + perLine).map((number) => number - from);
    lines.push(`* EXPUNGE ${formatRanges(piece).join(' ')}`);
  }
  return lines;
}

/** `* SEARCH 1-3 7`, at most 101 items a line. */
export function searchLines(numbers: Iterable<number>): string[] {
  const items = formatRanges(numbers);
  const lines: string[] = [];
  for (let from = 0; from < items.length; from += perLine)
    lines.push(`* SEARCH ${items.slice(from, from + perLine).join(' ')}`);
  return lines;
}

/** `[1, 2, 3, 7]` is `1-3`, `7`. */
function formatRanges(numbers: Iterable<number>): string[] {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last?.[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
}

const dot = 0x2e;
const cr = 0x0d;
const lf = 0x0a;

/**
 * Undoes the stuffing of a message that comes as lines: `.` alone is the end, and a line that begins with a dot has
 * one more. Octets may come in any pieces.
 */
export class DotReader {
  /** Where in a line the next octet is; `dot` and `dotCr`: behind a dot that began it, and a CR behind that. */
  #at: 'start' | 'dot' | 'dotCr' | 'inside' = 'start';
  isOver = false;

  /** @returns what belongs to the message, and how many octets were used: fewer than there are only at the end */
  take(chunk: Buffer): { pieces: Buffer[]; used: number } {
    const pieces: Buffer[] = [];
    let from = 0;
    let at = 0;
    while (at < chunk.length && !this.isOver) {
      if (this.#at === 'inside') {
        const end = chunk.indexOf(lf, at);
        at = end < 0 ? chunk.length : end + 1;
        if (end >= 0) this.#at = 'start';
      } else if (this.#at === 'start') {
        if (chunk[at] === dot) {
          if (at > from) pieces.push(chunk.subarray(from, at));
          from = ++at;
          this.#at = 'dot';
        } else this.#at = 'inside';
      } else if (chunk[at] === lf) {
        this.isOver = true;
        from = ++at;
      } else if (this.#at === 'dot' && chunk[at] === cr) {
        from = ++at;
        this.#at = 'dotCr';
      } else {
        if (this.#at === 'dotCr') pieces.push(Buffer.of(cr));
        this.#at = 'inside';
      }
    }
    if (at > from) pieces.push(chunk.subarray(from, at));
    return { pieces, used: at };
  }
}

/** How an upload is announced: `{.25}`, `{.}`, or `{10/25}`, whose first piece has 10 octets. */
export type Upload = { readonly kind: 'lines' } | { readonly kind: 'pieces'; readonly first: number };

/** undefined: the word announces no upload. */
export function readUpload(word: string): Upload | undefined {
  if (/^\{\.\d*\}$/.test(word)) return { kind: 'lines' };
  const [, first] = /^\{(\d{1,15})(?:\/\d*)?\}$/.exec(word) ?? [];
  return first === undefined ? undefined : { kind: 'pieces', first: Number(first) };
}
