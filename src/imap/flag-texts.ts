import type { Folder } from '../store/folder.ts';

/** The bit for \Recent beside those of store/flags.ts. */
export const recentBit = 32;

const names = ['\\Draft', '\\Flagged', '\\Answered', '\\Seen', '\\Deleted', '\\Recent'];

/** For each keyword set met, its 64 lists; keyword sets are interned by the folder. */
const known = new WeakMap<readonly string[], readonly Buffer[]>();
const noKeywords: readonly string[] = [];

/**
 * The parenthesised flags of messages with a keyword set, in Courier's order: `(\Flagged \Seen $Work)`.
 * @param set  index into the folder's keyword sets
 * @returns by the bits: flags of store/flags.ts and `recentBit`
 */
export function flagLists(folder: Folder, set: number): readonly Buffer[] {
  const keywords = set === 0 ? noKeywords : folder.keywordSets[set]!;
  const lists = known.get(keywords) ?? makeLists(keywords);
  known.set(keywords, lists);
  return lists;
}

function makeLists(keywords: readonly string[]): readonly Buffer[] {
  return Array.from({ length: 2 * recentBit }, (_, bits) => {
    const flags = names.filter((_, bit) => (bits & (1 << bit)) !== 0);
    return Buffer.from(`(${[...flags, ...keywords].join(' ')})`, 'latin1');
  });
}

/** The flags of one message. @param bits  flags of store/flags.ts and `recentBit` */
export function flagList(folder: Folder, row: number, bits: number): Buffer {
  return flagLists(folder, folder.keywordSet[row]!)[bits]!;
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
