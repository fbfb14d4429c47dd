/**
 * Snapshots: what a client knew of a folder, kept for its next visit (smap §6), in Courier's format. A file in
 * `courierimapsnapshots/`, whose name is the snapshot's id:
 *
 *   1 5 795529270 6:ID        version, messages, UIDVALIDITY, UIDNEXT, the id of the one before
 *   1:2,S                     each message: its UID and the suffix of its file name
 *   kw1                       keywords; then an empty line
 *   1001.x.host:0 2           base names of messages with keywords, and which
 *
 * Saving: create tmp/y; write; rename tmp/y courierimapsnapshots/ID; unlink the last but one. Stopping before the
 * rename leaves a file that the purge of `tmp` removes; a file that a crash of the system cut is damaged and not
 * restored, so nothing is synced: all that is lost is a short cut.
 */
import { closeSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { octetPath } from '../base/paths.ts';
import { asMailError, errorCode } from './errno.ts';
import { canonicalInfo, parseFlags } from './flags.ts';
import type { Folder } from './folder.ts';
import { Slice } from './slices.ts';
import * as steps from './steps.ts';
import { createTemporary, temporaryName, uniqueName } from './unique-names.ts';

/** What is restored: columns sorted by UID. */
export interface Snapshot {
  readonly uidValidity: number;
  readonly count: number;
  readonly uids: Uint32Array;
  readonly flags: Uint8Array;
  /** Keywords by UID, of the messages that have some and are still there; octets as latin1. */
  readonly keywords: ReadonlyMap<number, readonly string[]>;
  /** The snapshot before it; '' if there was none. */
  readonly previous: string;
}

const version = '1';
/** A larger file is not restored. */
const mostOctets = 64 << 20;
const writtenOctets = 65_536;
const mostSnapshots = 50;
const keptSnapshots = 10;
const dayMs = 86_400_000;

function directoryOf(folder: Folder): string {
  return `${folder.directory}/courierimapsnapshots`;
}

/**
 * Saves all messages of the folder as they are now, whatever happens while it is written.
 * @param previous  the id of the client's snapshot before; '' if it has none
 * @param dropped  the id of the one before that, which is removed; '' if there is none
 * @returns the id, octets as latin1
 * @throws {MailError} overQuota, noPermission, unavailable
 */
export async function saveSnapshot(folder: Folder, previous: string, dropped: string): Promise<string> {
  const { directory, settings } = folder;
  const lines = snapshotLines(folder, previous);
  try {
    makeDirectory(folder);
    const { path, descriptor } = createTemporary(directory, settings.hostname);
    try {
      await writeLines(descriptor, lines);
    } catch (error) {
      steps.unlink(path);
      throw error;
    } finally {
      closeSync(descriptor);
    }
    const id = freeId(folder);
    steps.rename(path, `${directoryOf(folder)}/${id}`);
    if (dropped !== '') removeFile(`${directoryOf(folder)}/${dropped}`);
    return id;
  } catch (error) {
    throw asMailError(error, 'cannot save a snapshot');
  }
}

function makeDirectory(folder: Folder): void {
  try {
    steps.makeDirectory(directoryOf(folder), 0o755);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}

function freeId(folder: Folder): string {
  for (;;) {
    const id = temporaryName(uniqueName(folder.settings.hostname, 'snapshot'));
    if (!lstatSync(octetPath(directoryOf(folder), id), { throwIfNoEntry: false })) return id;
  }
}

/** The file's lines; the columns are taken at the call, the rest is made as it is asked for. */
function snapshotLines(folder: Folder, previous: string): Iterable<string> {
  const { count, uids, uidValidity, uidNext } = folder;
  const flags = folder.flags.slice(0, count);
  const sets = folder.keywordSet.slice(0, count);
  const head = `${version} ${count} ${uidValidity} ${uidNext}${previous === '' ? '' : `:${previous}`}`;
  return {
    *[Symbol.iterator]() {
      yield head;
      for (let i = 0; i < count; i++) yield `${uids[i]}${canonicalInfo(flags[i]!)}`;
      if (folder.settings.keywords > 0) yield* keywordLines(folder, uids, sets);
    },
  };
}

function* keywordLines(folder: Folder, uids: Uint32Array, sets: Uint32Array): Generator<string> {
  const used = new Set(sets);
  const names = [...new Set([...used].flatMap((id) => folder.keywordSets[id]!))];
  yield* names;
  yield '';
  const numbers = new Map(
    [...used].map((id) => [id, folder.keywordSets[id]!.map((name) => names.indexOf(name))]),
  );
  for (let i = 0; i < sets.length; i++) {
    const row = sets[i] === 0 ? -1 : folder.rowOf(uids[i]!);
    if (row >= 0) yield `${folder.baseName(row)}:${numbers.get(sets[i]!)!.join(' ')}`;
  }
}

async function writeLines(descriptor: number, lines: Iterable<string>): Promise<void> {
  const slice = new Slice();
  let text = '';
  for (const line of lines) {
    text += `${line}\n`;
    if (text.length >= writtenOctets) {
      steps.write(descriptor, Buffer.from(text, 'latin1'));
      text = '';
    }
    if (slice.isOver()) await slice.next();
  }
  steps.write(descriptor, Buffer.from(text, 'latin1'));
}

/**
 * Reads a snapshot and marks it as used.
 * @param id  octets as latin1
 * @returns undefined: there is none that can be restored
 */
export async function readSnapshot(folder: Folder, id: string): Promise<Snapshot | undefined> {
  if (id === '' || id.startsWith('.') || /[/\0]/.test(id) || id.length > 255) return undefined;
  const path = `${directoryOf(folder)}/${id}`;
  try {
    const octets = await readOctets(path);
    const snapshot = octets && (await parseSnapshot(octets, folder));
    if (snapshot?.uidValidity !== folder.uidValidity) return undefined;
    markUsed(path, folder);
    return snapshot;
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    if (errorCode(error) !== 'ENOENT') folder.settings.log.warn(`${path}: ${errorCode(error)}`);
    return undefined;
  }
}

/** Whoever may only read the folder restores, too. */
function markUsed(path: string, folder: Folder): void {
  try {
    steps.setPathTimes(path, Math.floor(Date.now() / 1000));
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    folder.settings.log.debug(`${path}: ${errorCode(error)}`);
  }
}

async function readOctets(path: string): Promise<Buffer | undefined> {
  await using file = await open(octetPath(path));
  const { size } = await file.stat();
  return size > mostOctets ? undefined : file.readFile();
}

const lf = 10;
/** The flag of a letter in the suffix of a file name. */
const bitOfLetter = Uint8Array.from({ length: 256 }, (_, octet) =>
  parseFlags(`:2,${String.fromCharCode(octet)}`),
);

/** Exported for its tests. @returns undefined: it is damaged, or of another version */
export async function parseSnapshot(octets: Buffer, folder: Folder): Promise<Snapshot | undefined> {
  const headEnd = octets.indexOf(lf);
  const head = /^1 (\d{1,10}) (\d{1,10}) (\d{1,10})(?::([^/\0]+))?$/.exec(
    octets.toString('latin1', 0, Math.min(headEnd, 400)),
  );
  const count = Number(head?.[1]);
  // A message takes four octets at least.
  if (headEnd < 0 || !head || count > octets.length / 4 || octets.at(-1) !== lf) return undefined;
  const uids = new Uint32Array(count);
  const flags = new Uint8Array(count);
  const slice = new Slice();
  let at = headEnd + 1;
  let before = 0;
  for (let i = 0; i < count; i++) {
    let uid = 0;
    for (let digit = octets[at]! - 48; digit >= 0 && digit <= 9; digit = octets[++at]! - 48)
      uid = uid * 10 + digit;
    if (uid <= before || uid > 0xffff_ffff || octets[at] !== 58) return undefined;
    const start = at;
    let bits = 0;
    for (let octet = octets[++at]!; octet !== lf; octet = octets[++at]!) {
      if (octet === undefined || at - start > 40) return undefined;
      bits |= bitOfLetter[octet]!;
    }
    uids[i] = before = uid;
    flags[i] = bits;
    at++;
    if (slice.isOver()) await slice.next();
  }
  const keywords = await parseKeywords(octets, at, folder);
  const [, , uidValidity, , previous = ''] = head;
  return { uidValidity: Number(uidValidity), count, uids, flags, keywords, previous };
}

async function parseKeywords(octets: Buffer, start: number, folder: Folder): Promise<Map<number, string[]>> {
  const found = new Map<number, string[]>();
  const names: string[] = [];
  const slice = new Slice();
  let inNames = true;
  for (let at = start; at < octets.length; ) {
    const end = octets.indexOf(lf, at);
    const line = octets.toString('latin1', at, end);
    at = end + 1;
    if (line === '') inNames = false;
    else if (inNames) names.push(line);
    else {
      const colon = line.lastIndexOf(':');
      const uid = folder.uidOfBaseName(line.slice(0, colon));
      const numbers = line.slice(colon + 1).split(' ');
      if (uid > 0)
        found.set(
          uid,
          numbers.map((number) => names[Number(number)]).filter((name) => name !== undefined),
        );
    }
    if (slice.isOver()) await slice.next();
  }
  return found;
}

/**
 * Removes snapshots that nobody has used for long: above ten the oldest, while it
 * is older than a week and two days for each above ten; never more than fifty stay.
 */
export function tidySnapshots(folder: Folder, nowMs = Date.now()): void {
  const directory = directoryOf(folder);
  try {
    const files = listSnapshots(directory);
    while (files.length > keptSnapshots) {
      const oldest = files[0]!;
      const limitMs = (7 + 2 * (files.length - keptSnapshots)) * dayMs;
      if (files.length <= mostSnapshots && nowMs - oldest.usedMs <= limitMs) return;
      removeFile(oldest.path);
      files.shift();
    }
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    if (errorCode(error) !== 'ENOENT') folder.settings.log.warn(`${directory}: ${errorCode(error)}`);
  }
}

/** The longest unused first. */
function listSnapshots(directory: string): { path: string; usedMs: number }[] {
  return readdirSync(octetPath(directory), 'latin1')
    .map((name) => ({
      path: `${directory}/${name}`,
      stats: statSync(octetPath(directory, name), { throwIfNoEntry: false }),
    }))
    .filter(({ stats }) => stats?.isFile())
    .map(({ path, stats }) => ({ path, usedMs: stats!.mtimeMs }))
    .sort((one, other) => one.usedMs - other.usedMs);
}

function removeFile(path: string): void {
  try {
    steps.unlink(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}
