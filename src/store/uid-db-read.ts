/** Reading a folder's `courierimapuiddb`, and the journal beside it (maildir-store §4). */
import { readFileSync, statSync } from 'node:fs';
import { octetPath } from '../base/paths.ts';
import { asMailError, errorCode } from './errno.ts';
import type { FolderState } from './folder-state.ts';
import { formatUidDbHeader, UidDbReader } from './uid-db.ts';
import { endOf, readAdded, stampOf } from './uid-db-append.ts';
import { journalStamp, readJournal, type UidJournal } from './uid-journal.ts';

/** Path of the folder's database. */
export function dbPath(state: FolderState): string {
  return `${state.directory}/courierimapuiddb`;
}

/** The journal's stamp follows the database's, if there is one. */
export function joinStamps(database: string, journal: string): string {
  return journal === '' ? database : `${database} ${journal}`;
}

/** Of the database alone. */
export function databasePart(stamp: string): string {
  return stamp.split(' ', 1)[0]!;
}

/** Whether the database, or the journal, is another than the one read or written last. */
export function isDbChanged(state: FolderState): boolean {
  const stats = statSync(octetPath(dbPath(state)), { throwIfNoEntry: false });
  return (stats ? joinStamps(stampOf(stats), journalStamp(state.directory)) : '') !== state.dbStamp;
}

/**
 * Reads the database, and the journal, if they are not those read or written last.
 * @returns undefined if it is; a reader without a header if there is no valid database
 * @throws {MailError} unavailable: it is there but cannot be read, so UIDs must not be given anew
 */
export function readDb(state: FolderState): UidDbReader | undefined {
  const path = octetPath(dbPath(state));
  try {
    const { journal, journalAt, database } = readStamped(state.directory, path);
    const stamp = joinStamps(database, journalAt);
    if (stamp === state.dbStamp) return undefined;
    const added = journalAt === '' ? readAddedLines(state) : undefined;
    if (added !== undefined) return added;
    state.hasJournal = journalAt !== '';
    if (journal && state.isLoaded && database === databasePart(state.dbStamp)) {
      state.dbStamp = stamp;
      return UidDbReader.ofLines(journal, journal.lines);
    }
    const octets = readFileSync(path);
    const reader = readBoth(octets, database, journal);
    state.dbStamp = reader.header ? stamp : '';
    state.dbEnd = endOf(octets, reader.headerLength, database);
    // Behind a line that was cut off nothing can be added.
    state.dbHeaderLength = reader.isWhole ? reader.headerLength : 0;
    return reader;
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw asMailError(error, 'cannot read the UID database');
    state.dbStamp = '';
    return new UidDbReader(Buffer.alloc(0));
  }
}

/** What others have added to the database that is known; undefined if it must be read in full. */
function readAddedLines(state: FolderState): UidDbReader | undefined {
  const { dbEnd, dbHeaderLength } = state;
  // A journal's stamp would follow the database's.
  if (!state.isLoaded || dbEnd?.stamp !== state.dbStamp) return undefined;
  const added = readAdded(dbPath(state), dbEnd, dbHeaderLength);
  if (!added) return undefined;
  state.dbEnd = added.end;
  state.dbStamp = added.end.stamp;
  return added.reader;
}

/** The journal, and the stamps of both at one moment. */
function readStamped(directory: string, path: string | Buffer) {
  for (let attempt = 0; ; attempt++) {
    const journalAt = journalStamp(directory);
    const journal = journalAt === '' ? undefined : readJournal(directory);
    const database = stampOf(statSync(path));
    const isOne = !journal || journal.database === database;
    if (attempt === 3 || (isOne && journalStamp(directory) === journalAt))
      return { journal, journalAt, database };
  }
}

/** The database with the lines of its journal. */
function readBoth(octets: Buffer, database: string, journal: UidJournal | undefined): UidDbReader {
  const plain = new UidDbReader(octets);
  if (!plain.header || journal?.uidValidity !== plain.header.uidValidity) return plain;
  const isOwn = journal.database === database;
  const uidNext = isOwn ? journal.uidNext : Math.max(journal.uidNext, plain.header.uidNext);
  return new UidDbReader(octets, { lines: journal.lines, outdoes: isOwn, uidNext });
}

/**
 * The text of the database with the journal's lines in it, of a folder that nobody uses, and whether there is a journal.
 * @throws a system error
 */
export function wholeDatabase(folder: string): { text: string; hasJournal: boolean } {
  const path = octetPath(`${folder}/courierimapuiddb`);
  const { journal, journalAt, database } = readStamped(folder, path);
  const octets = readFileSync(path);
  if (!journal) return { text: octets.toString('latin1'), hasJournal: journalAt !== '' };
  const reader = readBoth(octets, database, journal);
  let text = reader.header ? formatUidDbHeader(reader.header) : '';
  while (reader.next()) text += `${reader.uid} ${reader.name}\n`;
  return { text, hasJournal: true };
}
