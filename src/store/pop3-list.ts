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
import {
  formatPop3List,
  type Pop3Entry,
  type Pop3List,
  parsePop3List,
  pop3Order,
  upToColon,
} from './pop3-list-format.ts';
import type { StoreSettings } from './settings.ts';
import { Slice } from './slices.ts';
import * as steps from './steps.ts';
import { createTemporary } from './unique-names.ts';

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
      const sorted = pop3Order(fileNames);
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
  for (const index of pop3Order(fileNames)) {
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
  return merge(list, fileNames, pop3Order(fileNames), new Map()).rows;
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
