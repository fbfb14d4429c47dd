/** Flags and keywords as words (smap §3). Text for the client is octets, one character each. */
import { flag } from '../store/flags.ts';
import type { Folder } from '../store/folder.ts';
import { cleanKeyword } from '../store/keywords.ts';
import { octetsOf } from './output.ts';

/** In the order they are written. */
const names = [
  ['DRAFT', flag.draft],
  ['MARKED', flag.flagged],
  ['REPLIED', flag.answered],
  ['SEEN', flag.seen],
  ['DELETED', flag.deleted],
] as const;

const texts = Array.from({ length: 32 }, (_, bits) =>
  names
    .filter(([, bit]) => (bits & bit) !== 0)
    .map(([name]) => name)
    .join(','),
);

/** `FLAGS=MARKED,SEEN` */
export function flagsText(bits: number): string {
  return `FLAGS=${texts[bits & 31]!}`;
}

/** The bits of `MARKED,seen`; names nobody knows are passed over. */
export function readFlags(list: string): number {
  const wanted = list.toUpperCase().split(',');
  return names.reduce((bits, [name, bit]) => (wanted.includes(name) ? bits | bit : bits), 0);
}

/** The bit of one name; undefined: it is no flag. */
export function flagBit(name: string): number | undefined {
  return names.find(([known]) => known === name)?.[1];
}

/** `"KEYWORDS=a,b"`; a comma in a keyword of IMAP is `_`. */
export function keywordsText(keywords: readonly string[]): string {
  if (keywords.length === 0) return '"KEYWORDS="';
  return `"KEYWORDS=${keywords.map((name) => name.replaceAll(',', '_').replaceAll('"', '""')).join(',')}"`;
}

/** The keywords of `a,b`, as octets; characters that keywords of IMAP must not have become `_`. */
export function readKeywords(list: string): string[] {
  return list
    .split(',')
    .filter((name) => name !== '')
    .map(readKeyword);
}

export function readKeyword(name: string): string {
  return cleanKeyword(octetsOf(name));
}

/** What changes of a message are told with: `FLAGS=SEEN "KEYWORDS=a"`. */
export function stateText(folder: Folder, row: number, withKeywords: boolean): string {
  const flags = flagsText(folder.flags[row]!);
  return withKeywords ? `${flags} ${keywordsText(folder.keywordSets[folder.keywordSet[row]!]!)}` : flags;
}
