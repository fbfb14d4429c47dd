/**
 * Keywords in memory, and the format of their files (maildir-store §6.1, §6.2). Keyword names are octets as latin1
 * strings; they are equal without regard to ASCII case.
 */

import { Slice } from './slices.ts';

/** The distinct keyword sets of a folder: a row holds an index into `sets`. */
export class KeywordTable {
  readonly sets: (readonly string[])[] = [[]];
  #spellings = new Map<string, string>();
  #ids = new Map<string, number>([['', 0]]);

  /** Every keyword met, in the first spelling. */
  get names(): string[] {
    return [...this.#spellings.values()];
  }

  /** The index of the set of these names; a new name's spelling becomes the folder's. */
  idOf(names: readonly string[]): number {
    if (names.length === 0) return 0;
    const folded = [...new Set(names.map(foldKeyword))].sort(compareOctets);
    const key = folded.join('\n');
    let id = this.#ids.get(key);
    if (id !== undefined) return id;
    for (const name of names) {
      const lower = foldKeyword(name);
      if (!this.#spellings.has(lower)) this.#spellings.set(lower, name);
    }
    id = this.sets.push(folded.map((lower) => this.#spellings.get(lower)!)) - 1;
    this.#ids.set(key, id);
    return id;
  }

  /** The set that results from a change to the set `id`. */
  change(id: number, mode: 'add' | 'remove' | 'replace', names: readonly string[]): number {
    if (mode === 'replace') return this.idOf(names);
    if (names.length === 0) return id;
    const present = this.sets[id]!;
    if (mode === 'add') return this.idOf([...present, ...names]);
    const gone = new Set(names.map(foldKeyword));
    return this.idOf(present.filter((name) => !gone.has(foldKeyword(name))));
  }
}

/** ASCII lower case; octets from 128 on may be half a character and stay. */
export function foldKeyword(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function compareOctets(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Replaces what no keyword may contain, as Courier does on loading. */
export function cleanKeyword(name: string): string {
  return name.replace(/[\x00-\x20(){%*"\\\]]/g, '_');
}

/** The keywords of an update file: one per line, up to the first empty line. */
export function parseKeywordUpdate(text: string): string[] {
  const names: string[] = [];
  for (const line of text.split('\n')) {
    if (line === '') break;
    names.push(cleanKeyword(line));
  }
  return names;
}

export function formatKeywordUpdate(names: readonly string[]): string {
  return names.map((name) => `${name}\n`).join('');
}

export interface KeywordList {
  readonly names: readonly string[];
  /** [base name, indexes into `names`] */
  readonly messages: [string, number[]][];
  /** A line made no sense: write it anew. */
  readonly malformed: boolean;
}

/** The file `:list`. */
export async function parseKeywordList(text: string, slice = new Slice()): Promise<KeywordList> {
  const lines = text.split('\n');
  let at = 0;
  const names: string[] = [];
  while (at < lines.length && lines[at] !== '') names.push(cleanKeyword(lines[at++]!));
  const messages: [string, number[]][] = [];
  let malformed = false;
  for (at++; at < lines.length; at++) {
    if (slice.isOver()) await slice.next();
    const line = lines[at]!;
    if (line === '' && at === lines.length - 1) break;
    const colon = line.indexOf(':');
    if (colon < 1) {
      malformed = true;
      continue;
    }
    const indexes: number[] = [];
    for (const word of line.slice(colon + 1).split(' ')) {
      const index = /^\d+$/.test(word) ? Number(word) : names.length;
      if (index < names.length) indexes.push(index);
      else if (word !== '') malformed = true;
    }
    messages.push([line.slice(0, colon), indexes]);
  }
  return { names, messages, malformed };
}

/**
 * The text of `:list`, or undefined if no message has keywords: then there is no file.
 * @param messages  base names with their keywords, each in byte order of the names
 */
export async function formatKeywordList(
  messages: Iterable<[string, readonly string[]]>,
  slice = new Slice(),
): Promise<string | undefined> {
  const index = new Map<string, number>();
  const lines: string[] = [];
  for (const [base, names] of messages) {
    if (slice.isOver()) await slice.next();
    if (names.length === 0) continue;
    let line = `${base}:`;
    for (const [at, name] of names.entries()) {
      let number = index.get(name);
      if (number === undefined) {
        number = index.size;
        index.set(name, number);
      }
      line += at === 0 ? number : ` ${number}`;
    }
    lines.push(line);
  }
  if (lines.length === 0) return undefined;
  return `${[...index.keys()].join('\n')}\n\n${lines.join('\n')}\n`;
}
