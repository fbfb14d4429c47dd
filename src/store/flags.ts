/** The bits of the `flags` column (maildir-store §3.2). \Recent is not stored; see `Folder.claimRecent`. */
export const flag = { draft: 1, flagged: 2, answered: 4, seen: 8, deleted: 16 } as const;

/** All bits that a file name can hold. */
export const allFlags = 31;

/** Rows that a loop looks through as fast. */
const fewRows = 1000;

/**
 * The first of the rows that lacks a flag; -1 if none does. In a large folder memory is searched for each combination
 * without the flag: much quicker than a loop, and most of all before that is compiled.
 */
export function firstWithout(flags: Uint8Array, count: number, bit: number): number {
  const few = Math.min(count, fewRows);
  for (let row = 0; row < few; row++) if ((flags[row]! & bit) === 0) return row;
  if (count === few) return -1;
  let first = -1;
  for (let bits = 0; bits <= allFlags; bits++) {
    if ((bits & bit) !== 0) continue;
    const found = Buffer.from(flags.buffer, flags.byteOffset, first < 0 ? count : first).indexOf(bits);
    if (found >= 0) first = found;
  }
  return first;
}

const letters = 'DFRST';

/** Bits of an info suffix such as `:2,FS`; anything that does not begin `:2,` has none. */
export function parseFlags(info: string): number {
  if (!info.startsWith(':2,')) return 0;
  let bits = 0;
  for (let i = 3; i < info.length; i++) {
    const bit = letters.indexOf(info[i]!);
    if (bit >= 0) bits |= 1 << bit;
  }
  return bits;
}

const canonical = Array.from({ length: 32 }, (_, bits) => {
  let info = ':2,';
  for (let bit = 0; bit < letters.length; bit++) if (bits & (1 << bit)) info += letters[bit];
  return info;
});

/** The info suffix Courier writes for these bits: `:2,` and the letters in the order D F R S T. */
export function canonicalInfo(bits: number): string {
  return canonical[bits & allFlags]!;
}

/**
 * The info suffix for new bits, keeping what other programs put there: letters we do not know stay behind ours.
 * @param info  the present suffix, from its `:` on; '' if there is none
 */
export function replaceFlags(info: string, bits: number): string {
  if (info.length <= 3 || !info.startsWith(':2,')) return canonicalInfo(bits);
  let others = '';
  for (let i = 3; i < info.length; i++) if (!letters.includes(info[i]!)) others += info[i];
  return canonicalInfo(bits) + others;
}
