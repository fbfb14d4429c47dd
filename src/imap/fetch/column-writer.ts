import { flagLists, recentBit } from '../flag-texts.ts';
import type { FetchItem } from '../parser/fetch-items.ts';
import type { ImapSession } from '../session-loop.ts';
import type { Selected } from '../state.ts';
import { mostDigits, type OctetWords, octetWords, putDecimal, putWords, slackOctets } from './octet-words.ts';

/**
 * FETCH of UID and FLAGS for a range of view indexes: one loop over the columns that writes octets.
 * @returns whether some of the messages have gone
 */
export function writeColumns(
  { writer }: ImapSession,
  { view }: Selected,
  items: readonly FetchItem[],
  first: number,
  last: number,
): boolean {
  const { folder, uids: told } = view;
  const { flags, keywordSet, uids: present, count } = folder;
  const hasRecent = view.recentCount > 0;
  let set = -1;
  let lines: Lines | undefined;
  let octets = new DataView<ArrayBufferLike>(new ArrayBuffer(0));
  let at = writer.used;
  let missing = false;
  for (let index = first; index <= last; index++) {
    const uid = told[index]!;
    const row = index < count && present[index] === uid ? index : view.rowAt(index);
    if (row < 0) {
      missing = true;
      continue;
    }
    if (lines === undefined || keywordSet[row] !== set) {
      set = keywordSet[row]!;
      lines = linesOf(items, flagLists(folder, set));
    }
    if (at + lines.longest > octets.byteLength) {
      writer.used = at;
      const { buffer, byteOffset, length } = writer.room(lines.longest);
      octets = new DataView(buffer, byteOffset, length);
      at = writer.used;
    }
    const bits = flags[row]! | (hasRecent && view.isRecent(uid) ? recentBit : 0);
    const texts = lines.texts[bits] ?? addTexts(lines, bits);
    at = putDecimal(octets, putWords(octets, at, texts[0]!), index + 1);
    at = putWords(octets, at, texts[1]!);
    for (let i = 2; i < texts.length; i++) at = putWords(octets, putDecimal(octets, at, uid), texts[i]!);
  }
  writer.used = at;
  return missing;
}

/** What the answers about messages with the same keywords look like. */
interface Lines {
  readonly items: readonly FetchItem[];
  /** The flags, by their bits. */
  readonly lists: readonly Buffer[];
  /** By the same: what stands before, between and behind the numbers: the sequence number, then UIDs. */
  readonly texts: (readonly OctetWords[] | undefined)[];
  /** Octets a line takes at most while it is written. */
  readonly longest: number;
}

const known = new WeakMap<readonly Buffer[], Map<string, Lines>>();
const allBits = 2 * recentBit - 1;
/** Stands where a number comes. */
const gap = '\0';

function linesOf(items: readonly FetchItem[], lists: readonly Buffer[]): Lines {
  const byItems = known.get(lists) ?? new Map<string, Lines>();
  known.set(lists, byItems);
  const key = items.map(({ label }) => label).join(' ');
  const lines = byItems.get(key) ?? makeLines(items, lists);
  byItems.set(key, lines);
  return lines;
}

function makeLines(items: readonly FetchItem[], lists: readonly Buffer[]): Lines {
  const texts = textsFor(items, lists[allBits]!);
  const longest = texts.reduce((sum, { length }) => sum + length + mostDigits, slackOctets);
  return { items, lists, texts: new Array<undefined>(allBits + 1).fill(undefined), longest };
}

function addTexts(lines: Lines, bits: number): readonly OctetWords[] {
  const texts = textsFor(lines.items, lines.lists[bits]!);
  lines.texts[bits] = texts;
  return texts;
}

function textsFor(items: readonly FetchItem[], list: Buffer): readonly OctetWords[] {
  const flags = list.toString('latin1');
  const values = items.map(({ label, kind }) => `${label} ${kind === 'uid' ? gap : flags}`);
  const line = `* ${gap} FETCH (${values.join(' ')})\r\n`;
  return line.split(gap).map((text) => octetWords(Buffer.from(text, 'latin1')));
}
