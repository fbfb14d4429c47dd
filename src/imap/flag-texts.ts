import type { Folder } from '../store/folder.ts';

/** The bit for \Recent beside those of store/flags.ts. */
export const recentBit = 32;

const names = ['\\Draft', '\\Flagged', '\\Answered', '\\Seen', '\\Deleted', '\\Recent'];

/** For each keyword set met, its 64 lists; keyword sets are interned by the folder. */
const lists = new WeakMap<readonly string[], (Buffer | undefined)[]>();
const noKeywords: readonly string[] = [];

/**
 * The parenthesised flags of a message, in Courier's order: `(\Flagged \Seen $Work)`.
 * @param bits  flags of store/flags.ts and `recentBit`
 */
export function flagList(folder: Folder, row: number, bits: number): Buffer {
  const index = folder.keywordSet[row]!;
  const keywords = index === 0 ? noKeywords : folder.keywordSets[index]!;
  let forSet = lists.get(keywords);
  if (forSet === undefined) {
    forSet = new Array<Buffer | undefined>(64).fill(undefined);
    lists.set(keywords, forSet);
  }
  let list = forSet[bits];
  if (list === undefined) {
    const flags = names.filter((_, bit) => (bits & (1 << bit)) !== 0);
    list = Buffer.from(`(${[...flags, ...keywords].join(' ')})`, 'latin1');
    forSet[bits] = list;
  }
  return list;
}

/** `* FLAGS (…)`: every keyword of the mailbox and the system flags. */
export function flagsLine(folder: Folder): string {
  return `* FLAGS (${[...folder.keywords, '\\Draft \\Answered \\Flagged \\Deleted \\Seen \\Recent'].join(' ')})`;
}

/** `* OK [PERMANENTFLAGS (…)] …`; `\*` where clients may make keywords. */
export function permanentFlagsLine(folder: Folder, readOnly: boolean, mayCreate: boolean): string {
  if (readOnly) return '* OK [PERMANENTFLAGS ()] No permanent flags permitted';
  const all = [
    ...folder.keywords,
    ...(mayCreate ? ['\\*'] : []),
    '\\Draft \\Answered \\Flagged \\Deleted \\Seen',
  ];
  return `* OK [PERMANENTFLAGS (${all.join(' ')})] Limited`;
}
