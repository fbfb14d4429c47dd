/** Words, quoting and message sets of SMAP1 (smap §2, §3): pure, on whole lines. */

/** A word that begins with `"` ends at the next single `"` or the line's end; `""` inside it is one `"`. */
export function splitWords(line: string): string[] {
  return Array.from(line.matchAll(/"((?:[^"]|"")*)"?|[^ \t\r\v\f]+/g), ([word, quoted]) =>
    quoted === undefined ? word : quoted.replaceAll('""', '"'),
  );
}

export function quoteWord(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

/** Ascending `n` and `n-m` from the front; `rest` is what follows. undefined: out of order, 0, or `3-2`. */
export function takeSet(
  words: readonly string[],
): { ranges: [number, number][]; rest: string[] } | undefined {
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

/** `1-3 7`, at most 101 numbers a line, each line as a later one would count if the numbers before were removed. */
export function expungeLines(numbers: readonly number[]): string[] {
  const lines: string[] = [];
  for (let from = 0; from < numbers.length; from += 101) {
    const piece = numbers.slice(from, from + 101).map((number) => number - from);
    lines.push(`* EXPUNGE ${formatRanges(piece)}`);
  }
  return lines;
}

/** `[1, 2, 3, 7]` is `1-3 7`. */
export function formatRanges(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last?.[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(' ');
}

/** A folder word as a component of a folder name: control characters and `. / ~ : \` in octal (smap §3). */
export function encodeFolderWord(word: string): string {
  return word.replace(
    /[\x00-\x1f\x7f./~:\\]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
}

export function decodeFolderWord(component: string): string {
  return component.replace(/\\([0-3][0-7]{2})/g, (_all, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
