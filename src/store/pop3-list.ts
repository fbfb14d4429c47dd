/**
 * `courierpop3dsizelist`: the sizes and the unique ids POP3 shows (pop3-proxy-options §3). It has its own numbers;
 * IMAP's UID database knows nothing of it. A unique id, once shown, never changes while the message is there.
 *
 * Updating it: take the folder lock; read the file again; number what is new; create a temporary file; write; fsync;
 * rename it over the old one; fsync the directory. Stopping after any of these leaves the old file or the new one.
 */
import { closeSync, readFileSync } from 'node:fs';
import { octetPath } from '../base/paths.ts';
import { asMailError, errorCode } from './errno.ts';
import { inTurn, takeDotLock } from './lock.ts';
import type { StoreSettings } from './settings.ts';
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
  /** False: an older format, or no file at all, so that it has to be written. */
  readonly current: boolean;
}

/** What is measured of a message that is not in the list. */
export type Measure = (
  fileName: string,
) => Promise<Pick<Pop3Entry, 'wireOctets' | 'eightBitHeader'> | undefined>;

/**
 * Reads the file's octets, whatever release wrote them. Lines that make no sense, and a last line without its end,
 * are left out.
 * @param now  seconds since 1970: the UIDVALIDITY where the file has none
 */
export function parsePop3List(octets: Uint8Array, now: number): Pop3List {
  const lines = Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1').split('\n');
  lines.pop();
  const header = /^\/(\d+)\s+(\d+)(?:\s+(\d+))?/.exec(lines[0] ?? '');
  const version = header ? Number(header[1]) : 0;
  const entries: Pop3Entry[] = [];
  for (const line of header ? lines.slice(1) : lines) {
    const entry = parseEntry(line, version);
    if (entry) entries.push(entry);
  }
  const highest = entries.reduce((max, entry) => Math.max(max, entry.uid), 0);
  return {
    nextUid: Math.max(header ? Number(header[2]) : 1, highest + 1),
    uidValidity: header?.[3] ? Number(header[3]) : now,
    entries,
    current: version === 3,
  };
}

/** Fields are split from the right: names may contain blanks. */
function parseEntry(line: string, version: number): Pop3Entry | undefined {
  const found =
    version === 0 ? /^(.+) (\d+)$/.exec(line) : /^(.+) (\d+) (\d+)(?::(\d+)(?::(\d+))?)?$/.exec(line);
  if (!found) return undefined;
  return {
    fileName: found[1]!,
    wireOctets: Number(found[2]),
    uid: Number(found[3] ?? 0),
    uidValidity: Number(found[4] ?? 0),
    eightBitHeader: Number(found[5] ?? 0) !== 0,
  };
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
  if (difference !== 0) return difference;
  const left = upToColon(a);
  const right = upToColon(b);
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
  const digits = /^\s*([+-]?\d+)/.exec(name);
  return digits ? Number(digits[1]) : 0;
}

function upToColon(name: string): string {
  const colon = name.indexOf(':');
  return colon < 0 ? name : name.slice(0, colon);
}

/**
 * The list for the messages that are there now, in POP3's order; written back if any came or went.
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
): Promise<Pop3Entry[]> {
  const before = readList(maildir, now);
  const sorted = fileNames.toSorted(comparePop3Names);
  if (before.current && sameMessages(before, sorted)) return withNames(before.entries, sorted);
  if (sorted.length === 0) return [];
  // Measuring reads messages and takes its time: before the lock.
  const known = byBaseName(before.entries);
  const measured = new Map<string, Pick<Pop3Entry, 'wireOctets' | 'eightBitHeader'>>();
  for (const name of sorted) {
    if (known.has(upToColon(name))) continue;
    const facts = await measure(name);
    if (facts) measured.set(upToColon(name), facts);
  }
  return inTurn(maildir, async () => {
    const release = await takeDotLock(maildir, settings);
    try {
      const list = merge(readList(maildir, now), sorted, measured);
      await save(maildir, settings, list);
      return [...list.entries];
    } finally {
      release();
    }
  });
}

/** The entries without saving anything: for a full disk. Messages that were never numbered are left out. */
export function savedPop3Entries(maildir: string, fileNames: readonly string[], now: number): Pop3Entry[] {
  const known = byBaseName(readList(maildir, now).entries);
  return fileNames.toSorted(comparePop3Names).flatMap((fileName) => {
    const entry = known.get(upToColon(fileName));
    return entry ? [{ ...entry, fileName }] : [];
  });
}

function merge(
  list: Pop3List,
  sorted: readonly string[],
  measured: ReadonlyMap<string, Pick<Pop3Entry, 'wireOctets' | 'eightBitHeader'>>,
): Pop3List {
  const known = byBaseName(list.entries);
  let nextUid = list.nextUid;
  const entries: Pop3Entry[] = [];
  for (const fileName of sorted) {
    const base = upToColon(fileName);
    const entry = known.get(base);
    const facts = measured.get(base);
    if (entry) entries.push({ ...entry, fileName });
    else if (facts) entries.push({ fileName, ...facts, uid: nextUid++, uidValidity: list.uidValidity });
  }
  return { nextUid, uidValidity: list.uidValidity, entries, current: true };
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

function sameMessages(list: Pop3List, sorted: readonly string[]): boolean {
  return (
    list.entries.length === sorted.length &&
    sorted.every((name, i) => upToColon(name) === upToColon(list.entries[i]!.fileName))
  );
}

/** The entries under the names the files have now: flags may have changed. */
function withNames(entries: readonly Pop3Entry[], sorted: readonly string[]): Pop3Entry[] {
  return entries.map((entry, i) => ({ ...entry, fileName: sorted[i]! }));
}
