/**
 * `courierpop3dsizelist`: the sizes and the unique ids POP3 shows (pop3-proxy-options §3). It has its own numbers;
 * IMAP's UID database knows nothing of it. A unique id, once shown, never changes while the message is there.
 *
 * Updating it: take the folder lock; read the file again; number what is new; create a temporary file; write; fsync;
 * rename it over the old one; fsync the directory. Stopping after any of these leaves the old file or the new one.
 */
import { closeSync, lstatSync, readFileSync } from 'node:fs';
import { octetPath } from '../base/paths.ts';
import { asMailError, errorCode } from './errno.ts';
import { inTurn, takeDotLock } from './lock.ts';
import type { StoreSettings } from './settings.ts';
import { Slice } from './slices.ts';
import * as steps from './steps.ts';
import { createTemporary } from './unique-names.ts';

export interface Pop3Entry {
  /** Name in `cur/` with the flags it had when it was written; latin1. */
  readonly fileName: string;
  /** Octets with every line end CRLF. */
  readonly wireOctets: number;
  /** 0: the unique id is the file's name, as before release 2.0. */
  readonly uid: number;
  /** 0: entries of release 2.0. */
  readonly uidValidity: number;
  /** The message's header has octets above 127. */
  readonly eightBitHeader: boolean;
}

export interface Pop3List {
  readonly nextUid: number;
  readonly uidValidity: number;
  readonly entries: readonly Pop3Entry[];
  /** False: an older format, a repaired one, or no file at all, so that it has to be written. */
  readonly current: boolean;
}

/** What is measured of a message that is not in the list. */
export interface Measured {
  readonly wireOctets: number;
  readonly eightBitHeader: boolean;
}

/** Measures the message of an index of the names given. @returns undefined: it cannot be read, and is not shown */
export type Measure = (index: number) => Measured | undefined | Promise<Measured | undefined>;

/** The entry of a message that is there now. */
export interface Pop3Row {
  readonly entry: Pop3Entry;
  /** Its index in the names given. */
  readonly index: number;
}

/**
 * Reads the file's octets, whatever release wrote them. Lines that make no sense, and a last line without its end,
 * are left out. Where two entries have one number, as Courier's parallel logins can leave them, the later gets a new one.
 * @param now  seconds since 1970: the UIDVALIDITY where the file has none
 */
export function parsePop3List(octets: Uint8Array, now: number): Pop3List {
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1');
  const firstEnd = text.indexOf('\n');
  const header = /^\/(\d+)\s+(\d+)(?:\s+(\d+))?/.exec(text.slice(0, Math.max(0, firstEnd)));
  const version = header ? Number(header[1]) : 0;
  const entries: Pop3Entry[] = [];
  let highest = 0;
  for (let at = header ? firstEnd + 1 : 0; ; ) {
    const end = text.indexOf('\n', at);
    if (end < 0) break;
    const entry = parseEntry(text.slice(at, end), version);
    if (entry) {
      entries.push(entry);
      if (entry.uid > highest) highest = entry.uid;
    }
    at = end + 1;
  }
  const uidValidity = header?.[3] ? Number(header[3]) : now;
  const nextUid = Math.max(header ? Number(header[2]) : 1, highest + 1);
  const unique = renumberDuplicates(entries, nextUid, uidValidity);
  return { ...unique, uidValidity, current: version === 3 && unique.nextUid === nextUid };
}

/**
 * Fields are split from the right: names may contain blanks. The form of a line says more than the first line of the
 * file, which may be damaged.
 */
function parseEntry(line: string, version: number): Pop3Entry | undefined {
  const last = line.lastIndexOf(' ');
  if (last < 1) return undefined;
  const colon = line.indexOf(':', last);
  if (colon < 0 && version === 0) {
    const wireOctets = digits(line, last + 1, line.length);
    const fileName = line.slice(0, last);
    return wireOctets < 0
      ? undefined
      : { fileName, wireOctets, uid: 0, uidValidity: 0, eightBitHeader: false };
  }
  const before = line.lastIndexOf(' ', last - 1);
  if (before < 1) return undefined;
  const wireOctets = digits(line, before + 1, last);
  const second = colon < 0 ? -1 : line.indexOf(':', colon + 1);
  const uid = digits(line, last + 1, colon < 0 ? line.length : colon);
  const uidValidity = colon < 0 ? 0 : digits(line, colon + 1, second < 0 ? line.length : second);
  const eightBit = second < 0 ? 0 : digits(line, second + 1, line.length);
  if (wireOctets < 0 || uid < 0 || uidValidity < 0 || eightBit < 0) return undefined;
  return { fileName: line.slice(0, before), wireOctets, uid, uidValidity, eightBitHeader: eightBit > 0 };
}

/** A number of at most 15 decimal digits; -1 if it is none. */
function digits(text: string, from: number, to: number): number {
  if (to <= from || to - from > 15) return -1;
  let number = 0;
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}

function renumberDuplicates(
  entries: Pop3Entry[],
  nextUid: number,
  uidValidity: number,
): { entries: Pop3Entry[]; nextUid: number } {
  // The usual list has one UIDVALIDITY and ascending numbers.
  if (entries.every((entry, i) => i === 0 || isBehind(entries[i - 1]!, entry))) return { entries, nextUid };
  const known = new Map<number, Set<number>>();
  let next = nextUid;
  const unique = entries.map((entry) => {
    if (entry.uid === 0) return entry;
    const ofValidity = known.get(entry.uidValidity) ?? new Set();
    known.set(entry.uidValidity, ofValidity);
    if (ofValidity.has(entry.uid)) return { ...entry, uid: next++, uidValidity };
    ofValidity.add(entry.uid);
    return entry;
  });
  return { entries: unique, nextUid: next };
}

function isBehind(one: Pop3Entry, other: Pop3Entry): boolean {
  return one.uidValidity === other.uidValidity && one.uid < other.uid;
}

export function formatPop3List(list: Pop3List): Buffer {
  const lines = [`/3 ${list.nextUid} ${list.uidValidity}\n`];
  for (const { fileName, wireOctets, uid, uidValidity, eightBitHeader } of list.entries)
    lines.push(`${fileName} ${wireOctets} ${uid}:${uidValidity}:${eightBitHeader ? 1 : 0}\n`);
  return Buffer.from(lines.join(''), 'latin1');
}

/** The unique id UIDL shows: `UID7-1795529795`, `UID7`, or the escaped name of the file. */
export function uniqueId({ fileName, uid, uidValidity }: Pop3Entry): string {
  if (uid !== 0) return uidValidity !== 0 ? `UID${uid}-${uidValidity}` : `UID${uid}`;
  return upToColon(fileName).replace(
    /[^\x21-\x7e]|['"+]/g,
    (c) => `+${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** POP3's order: by leading number, then as signed octets up to the colon. Names are latin1. */
export function comparePop3Names(a: string, b: string): number {
  const difference = leadingNumber(a) - leadingNumber(b);
  return difference === 0 ? compareSigned(upToColon(a), upToColon(b)) : difference;
}

function compareSigned(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const d = signed(left.charCodeAt(i)) - signed(right.charCodeAt(i));
    if (d !== 0) return d;
  }
  return left.length - right.length;
}

function signed(octet: number): number {
  return octet > 127 ? octet - 256 : octet;
}

function leadingNumber(name: string): number {
  const found = /^\s*([+-]?\d+)/.exec(name);
  return found ? Number(found[1]) : 0;
}

function upToColon(name: string): string {
  const colon = name.indexOf(':');
  return colon < 0 ? name : name.slice(0, colon);
}

/**
 * The messages that are there now, in POP3's order; the list is written back if any came or went.
 * @param maildir    the folder's directory, latin1
 * @param fileNames  of the messages in `cur/`
 * @param now        seconds since 1970
 * @throws {MailError} the list cannot be saved (a full disk): nothing is changed
 */
export async function updatePop3List(
  maildir: string,
  settings: StoreSettings,
  fileNames: readonly string[],
  measure: Measure,
  now: number,
): Promise<Pop3Row[]> {
  const before = readList(maildir, now);
  const unchanged = before.current ? sameMessages(before.entries, fileNames) : undefined;
  if (unchanged) return unchanged;
  if (fileNames.length === 0) return [];
  // Measuring reads messages and takes its time: before the lock.
  const measured = await measureNew(before.entries, fileNames, measure);
  if (before.current && measured.size === 0 && before.entries.length <= rowsOf(before, fileNames).length)
    return rowsOf(before, fileNames);
  return inTurn(maildir, async () => {
    const release = await takeDotLock(maildir, settings);
    try {
      const sorted = sortedIndexes(fileNames);
      const { list, rows } = merge(readList(maildir, now), fileNames, sorted, measured);
      await save(maildir, settings, list);
      return rows;
    } finally {
      release();
    }
  });
}

async function measureNew(
  entries: readonly Pop3Entry[],
  fileNames: readonly string[],
  measure: Measure,
): Promise<Map<string, Measured>> {
  const known = new Set(entries.map(({ fileName }) => upToColon(fileName)));
  const measured = new Map<string, Measured>();
  const slice = new Slice();
  for (const [index, name] of fileNames.entries()) {
    const base = upToColon(name);
    if (known.has(base)) continue;
    const facts = await measure(index);
    if (facts) measured.set(base, facts);
    if (slice.isOver()) await slice.next();
  }
  return measured;
}

/** The messages without saving anything: for a full disk. Those that were never numbered are left out. */
export function savedPop3Rows(maildir: string, fileNames: readonly string[], now: number): Pop3Row[] {
  return rowsOf(readList(maildir, now), fileNames);
}

/**
 * The first message alone, for a full disk and a mailbox without any number: so that there is one to remove. Its
 * unique id is made of its time and place.
 * @throws {MailError} unavailable
 */
export async function emergencyPop3Row(
  maildir: string,
  fileNames: readonly string[],
  measure: Measure,
): Promise<Pop3Row[]> {
  for (const index of sortedIndexes(fileNames)) {
    const stats = lstatSync(octetPath(maildir, 'cur', fileNames[index]!), {
      bigint: true,
      throwIfNoEntry: false,
    });
    const measured = stats && (await measure(index));
    if (!measured) continue;
    const [time, device, inode] = [stats.mtimeMs / 1000n, stats.dev, stats.ino].map((value) =>
      value.toString(16).toUpperCase().padStart(16, '0'),
    );
    const fileName = `ENOMEM-${time}-${device}-${inode}`;
    return [{ entry: { fileName, ...measured, uid: 0, uidValidity: 0 }, index }];
  }
  return [];
}

/**
 * Writes other sizes into the list: those of files with CRLF, which Courier counts wrong.
 * @param sizes  wire octets by file name
 * @throws {MailError} overQuota, unavailable
 */
export function correctPop3Sizes(
  maildir: string,
  settings: StoreSettings,
  sizes: ReadonlyMap<string, number>,
): Promise<void> {
  const byBase = new Map([...sizes].map(([name, octets]) => [upToColon(name), octets]));
  return inTurn(maildir, async () => {
    const release = await takeDotLock(maildir, settings);
    try {
      const list = readList(maildir, 0);
      if (!list.current) return;
      const entries = list.entries.map((entry) => {
        const wireOctets = byBase.get(upToColon(entry.fileName)) ?? entry.wireOctets;
        return wireOctets === entry.wireOctets ? entry : { ...entry, wireOctets };
      });
      await save(maildir, settings, { ...list, entries });
    } finally {
      release();
    }
  });
}

function merge(
  before: Pop3List,
  fileNames: readonly string[],
  sorted: readonly number[],
  measured: ReadonlyMap<string, Measured>,
): { list: Pop3List; rows: Pop3Row[] } {
  const known = byBaseName(before.entries);
  const { uidValidity } = before;
  let { nextUid } = before;
  const rows: Pop3Row[] = [];
  for (const index of sorted) {
    const fileName = fileNames[index]!;
    const base = upToColon(fileName);
    const entry = known.get(base);
    const facts = measured.get(base);
    if (entry) rows.push({ entry: { ...entry, fileName }, index });
    else if (facts) rows.push({ entry: { fileName, ...facts, uid: nextUid++, uidValidity }, index });
  }
  const entries = rows.map(({ entry }) => entry);
  return { list: { nextUid, uidValidity, entries, current: true }, rows };
}

/** The names that are in the list, in POP3's order. */
function rowsOf(list: Pop3List, fileNames: readonly string[]): Pop3Row[] {
  return merge(list, fileNames, sortedIndexes(fileNames), new Map()).rows;
}

/** Indexes of the names in POP3's order. */
function sortedIndexes(fileNames: readonly string[]): number[] {
  const leading = fileNames.map(leadingNumber);
  const bases = fileNames.map(upToColon);
  return fileNames
    .map((_, index) => index)
    .sort((one, other) => leading[one]! - leading[other]! || compareSigned(bases[one]!, bases[other]!));
}

function readList(maildir: string, now: number): Pop3List {
  try {
    return parsePop3List(readFileSync(octetPath(maildir, 'courierpop3dsizelist')), now);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { nextUid: 1, uidValidity: now, entries: [], current: false };
    // Starting afresh would change every unique id, and the client would fetch everything again.
    throw asMailError(error, 'cannot read courierpop3dsizelist');
  }
}

async function save(maildir: string, settings: StoreSettings, list: Pop3List): Promise<void> {
  try {
    const temporary = createTemporary(maildir, settings.hostname, 'pop3');
    try {
      steps.write(temporary.descriptor, formatPop3List(list));
      if (settings.durable) await steps.syncFile(temporary.descriptor);
    } catch (error) {
      steps.unlink(temporary.path);
      throw error;
    } finally {
      closeSync(temporary.descriptor);
    }
    steps.rename(temporary.path, `${maildir}/courierpop3dsizelist`);
    if (settings.durable) await steps.syncDirectory(maildir);
  } catch (error) {
    throw asMailError(error, 'cannot save courierpop3dsizelist');
  }
}

function byBaseName(entries: readonly Pop3Entry[]): Map<string, Pop3Entry> {
  return new Map(entries.map((entry) => [upToColon(entry.fileName), entry]));
}

/** The messages in the list's order, which is POP3's, if they are the same as the list's; else undefined. */
function sameMessages(entries: readonly Pop3Entry[], fileNames: readonly string[]): Pop3Row[] | undefined {
  if (entries.length !== fileNames.length) return undefined;
  // The usual mailbox got its UIDs in the order of its names.
  const inOrder = entries.every((entry, i) => upToColon(entry.fileName) === upToColon(fileNames[i]!));
  if (inOrder) return entries.map((entry, index) => ({ entry, index }));
  const places = new Map(fileNames.map((name, index) => [upToColon(name), index]));
  const rows: Pop3Row[] = [];
  for (const entry of entries) {
    const base = upToColon(entry.fileName);
    const index = places.get(base);
    if (index === undefined || !places.delete(base)) return undefined;
    rows.push({ entry, index });
  }
  return rows;
}
