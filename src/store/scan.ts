/**
 * Full scans: the first load of a folder, and the fall-back when names of changes are not known. Nothing is written.
 * A message that one listing misses may just be having its flags renamed: the directory is listed again before a
 * row is dropped.
 */
import { existsSync } from 'node:fs';
import { MailError } from '../base/mail-error.ts';
import { octetPath } from '../base/paths.ts';
import { BaseNames } from './base-names.ts';
import { Columns } from './columns.ts';
import { visitDirectory, visitIfPresent } from './directory-list.ts';
import { asMailError } from './errno.ts';
import { allFlags, canonicalInfo } from './flags.ts';
import type { FolderState } from './folder-state.ts';
import { baseLength } from './name-order.ts';
import { nextTurn, Slice } from './slices.ts';
import { UidDbReader } from './uid-db.ts';
import { readDb } from './uid-db-read.ts';

/** Reading a database of this size takes a turn of its own. */
const largeOctets = 1 << 19;

/** First load: rows from the database, as far as their files are there; the other files become `unlisted`. */
export async function loadFolder(state: FolderState): Promise<void> {
  state.dbStamp = '';
  const db = readDb(state) ?? new UidDbReader(Buffer.alloc(0));
  if (db.octets.length > largeOctets) await nextTurn();
  const columns = db.header ? await readRows(db, db.header.uidNext, state.modseq) : new Columns();
  const highest = columns.count > 0 ? columns.uids[columns.count - 1]! : 0;
  state.columns = columns;
  state.uidValidity = db.header?.uidValidity ?? 0;
  state.uidNext = Math.max(db.header?.uidNext ?? 1, highest + 1);
  state.highestUid = highest;
  await markListed(state);
  state.staleLines = db.lines - state.columns.count;
  state.wantsDbWrite = state.staleLines > 0 || db.hasNewer;
  state.startLogs();
  state.isLoaded = true;
}

/** All rows of a database, sorted by UID; of equal names the first counts. */
async function readRows(db: UidDbReader, uidNext: number, modseq: number): Promise<Columns> {
  const octets = db.octets;
  const sample = octets.subarray(0, 65536);
  const lines = sample.reduce((sum, octet) => sum + (octet === 10 ? 1 : 0), 0);
  const estimate = Math.ceil((octets.length / Math.max(1, sample.length)) * lines);
  // A record has five octets beside the name, a line two and the digits.
  const nameOctets = octets.length + estimate * Math.max(0, 3 - String(uidNext).length);
  const columns = new Columns(estimate + 16, nameOctets);
  const unsorted: [number, number, number][] = [];
  const slice = new Slice();
  let last = 0;
  while (db.next()) {
    if (db.uid <= last || unsorted.length > 0) unsorted.push([db.uid, db.start, db.end]);
    else if (isUsable(columns, octets, db.start, db.end)) {
      columns.addOctets(db.uid, octets, db.start, db.end, modseq);
      last = db.uid;
    }
    if (slice.isOver()) await slice.next();
  }
  return unsorted.length === 0 ? columns : sortRows(columns, octets, unsorted, modseq);
}

function isUsable(columns: Columns, octets: Uint8Array, start: number, end: number): boolean {
  if (end - start > BaseNames.maxLength || octets[start] === 46) return false;
  return columns.names.findOctets(octets, start, end) === 0;
}

/** A database that somebody wrote out of order; UIDs given twice keep their first name. */
function sortRows(
  sorted: Columns,
  octets: Uint8Array,
  rest: [number, number, number][],
  modseq: number,
): Columns {
  const all: { uid: number; octets: Uint8Array; start: number; end: number }[] = [];
  for (let row = 0; row < sorted.count; row++) {
    const start = sorted.nameAt[row]! + 5;
    const { block } = sorted.names;
    all.push({ uid: sorted.uids[row]!, octets: block, start, end: start + block[start - 1]! });
  }
  for (const [uid, start, end] of rest) all.push({ uid, octets, start, end });
  all.sort((a, b) => a.uid - b.uid);
  const columns = new Columns(all.length);
  let last = 0;
  for (const line of all) {
    if (line.uid === last || !isUsable(columns, line.octets, line.start, line.end)) continue;
    columns.addOctets(line.uid, line.octets, line.start, line.end, modseq);
    last = line.uid;
  }
  return columns;
}

/**
 * Scans a loaded folder again: flags, messages that went, new ones.
 * @param db       as for {@link adoptListed}
 * @param sameCur  `cur` is known not to have changed since the last scan
 */
export async function rescanFolder(
  state: FolderState,
  db: UidDbReader | undefined,
  sameCur: boolean,
): Promise<void> {
  if (sameCur) await listWaiting(state);
  else await markListed(state);
  adoptListed(state, db);
}

async function listWaiting(state: FolderState): Promise<void> {
  state.columns.startMarking();
  state.waiting.clear();
  try {
    await visitNew(state);
  } catch (error) {
    throw asMailError(error, 'cannot list the folder');
  } finally {
    state.columns.seen = undefined;
  }
}

function visitNew(state: FolderState): Promise<void> {
  return visitIfPresent(`${state.directory}/new`, {
    file: (name) => noteWaiting(state, name),
    other: (name) => (isLinked(state) ? noteWaiting(state, name) : logStranger(state, `new/${name}`)),
  });
}

/** Lists `new` and `cur`, takes over the flags and removes the rows without a file. */
async function markListed(state: FolderState): Promise<void> {
  state.columns.startMarking();
  state.unlisted.clear();
  state.waiting.clear();
  try {
    await visitNew(state);
    await visitDirectory(`${state.directory}/cur`, {
      file: (name) => noteListed(state, name),
      other: (name) => (isLinked(state) ? noteListed(state, name) : logStranger(state, `cur/${name}`)),
    });
    if (hasUnseen(state.columns)) await listAgain(state);
    dropUnseen(state);
  } catch (error) {
    throw asMailError(error, 'cannot list the folder');
  } finally {
    state.columns.seen = undefined;
  }
}

/** Whether messages are symbolic links here. */
function isLinked({ settings }: FolderState): boolean {
  return settings.linkTarget !== undefined;
}

function logStranger(state: FolderState, name: string): void {
  state.settings.log.warn(`${state.directory}/${name}: not a regular file; passed over`);
}

function noteWaiting(state: FolderState, name: string): void {
  // Where nothing can be moved, a message stays in `new` and has a row all the same.
  const row = state.isProvisional ? state.columns.rowOfName(name, baseLength(name)) : -1;
  if (row < 0) state.waiting.add(name);
  else if (state.columns.seen![row] === 0) state.columns.seen![row] = 1;
}

function noteListed(state: FolderState, name: string): void {
  const { columns } = state;
  const length = baseLength(name);
  const row = columns.rowOfName(name, length);
  if (row < 0) {
    if (isStorable(name)) state.unlisted.add(name);
    else logStranger(state, `cur/${name}`);
    return;
  }
  const seen = columns.seen!;
  if (seen[row] === 2) return;
  if (seen[row] === 1) {
    state.settings.log.warn(`${state.path(name)}: a second file of the same name; passed over`);
    return;
  }
  seen[row] = 1;
  const changed = columns.setInfo(row, name.slice(length));
  if (changed && state.isLoaded) state.rowChanged(row);
}

/** Whether a name can stand in the UID database. */
export function isStorable(name: string): boolean {
  return !name.includes('\n') && baseLength(name) > 0;
}

function hasUnseen(columns: Columns): boolean {
  const end = columns.seen!.indexOf(0);
  return end >= 0 && end < columns.count;
}

async function listAgain(state: FolderState): Promise<void> {
  const find = (name: string): void => {
    const { columns } = state;
    const length = baseLength(name);
    const row = columns.rowOfName(name, length);
    if (row < 0 || columns.seen![row] !== 0) return;
    columns.seen![row] = 1;
    if (columns.setInfo(row, name.slice(length)) && state.isLoaded) state.rowChanged(row);
  };
  await visitDirectory(`${state.directory}/cur`, { file: find, ...(isLinked(state) && { other: find }) });
}

function dropUnseen(state: FolderState): void {
  const { columns } = state;
  const rows: number[] = [];
  for (let row = 0; row < columns.count; row++) {
    if (columns.seen![row] !== 0) continue;
    // What a loaded folder has shown must be gone for sure.
    if (state.isLoaded && state.statMessage(columns.fileName(row))) continue;
    rows.push(row);
  }
  if (rows.length === 0) return;
  if (state.isLoaded) state.removeRows(rows);
  else {
    columns.remove(rows);
  }
}

/** The name of a message in `cur` that no listing has shown yet. */
function presentName(state: FolderState, base: string): string | undefined {
  for (let bits = 0; bits <= allFlags; bits++) {
    const name = base + canonicalInfo(bits);
    if (existsSync(octetPath(state.path(name)))) return name;
  }
  return existsSync(octetPath(state.path(base))) ? base : undefined;
}

/** The database, if another program has written it since we read or wrote it. */
export function readNewDb(state: FolderState): UidDbReader | undefined {
  const hadDb = state.dbStamp !== '';
  const db = readDb(state);
  return db && (db.header || hadDb) ? db : undefined;
}

/**
 * Gives rows to messages that another process has written into the database, whether or not we have met their files.
 * Lines up to the highest UID we have told, for which there is no row, are of messages we have told to be gone: they do
 * not come back under that UID.
 * @param db  what {@link readNewDb} gave before the files were looked for
 * @throws {MailError} unavailable: UIDVALIDITY changed under us; the folder is lost
 */
export function adoptListed(state: FolderState, db: UidDbReader | undefined): void {
  if (!db) return;
  // A folder without a database, which another process was quicker to make: nobody has been told any UID yet.
  if (state.uidValidity === 0 && db.header) state.uidValidity = db.header.uidValidity;
  if (db.header?.uidValidity !== state.uidValidity || state.isProvisional) {
    state.lose(new MailError('unavailable', 'the folder got new UIDs'));
    throw state.lost!;
  }
  const first = state.highestUid + 1;
  const added: [number, string][] = [];
  const byBase = new Map<string, string>();
  for (const name of state.unlisted) byBase.set(name.slice(0, baseLength(name)), name);
  let highest = first - 1;
  while (db.next()) {
    highest = Math.max(highest, db.uid);
    if (db.uid < first) continue;
    const base = db.name;
    if (state.columns.rowOfName(base, base.length) >= 0) continue;
    const name = byBase.get(base) ?? presentName(state, base);
    if (name === undefined) continue;
    byBase.delete(base);
    added.push([db.uid, name]);
  }
  added.sort((a, b) => a[0] - b[0]);
  for (const [uid, name] of added) {
    state.unlisted.delete(name);
    const length = baseLength(name);
    state.addRow({ uid, name, baseLength: length, mtimeSeconds: 0, keywordSet: 0 });
    state.wantsKeywordRead = true;
  }
  state.uidNext = Math.max(state.uidNext, db.header.uidNext, highest + 1);
  if (db.extent === 'all') state.staleLines = db.lines - state.columns.count;
  else if (db.extent === 'added') state.staleLines += db.lines - added.length;
}
