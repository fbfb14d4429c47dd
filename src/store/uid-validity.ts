/**
 * Which UIDVALIDITY values an account has used, so that RENAME can keep UIDs and UIDVALIDITY (maildir-store §4.3, §8.8).
 *
 * What must never happen: under one name, a (UIDVALIDITY, UID) pair that meant one message means another later. It could
 * when a folder is made under the name of a former one, or renamed to it. So:
 * - A folder made here gets a value that no folder of the account was ever given here, and that lies one second in the
 *   past. Courier gives the present second; so it neither had this value earlier (it waits two seconds before it
 *   removes a name) nor gives it later, and nobody has to wait.
 * - Courier gives folders of one second the same value. Therefore names that folders have lost are remembered with the
 *   value and the directory's inode. A folder that is renamed to such a name and has the same value, but is another
 *   directory, gets a new value; its UIDs stay.
 *
 * The record is a file of ours in the maildir. If it is lost, values are taken from above those of the present folders.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { octetPath } from '../base/paths.ts';
import { replaceFile } from './root-files.ts';
import type { StoreSettings } from './settings.ts';
import { UidDbReader } from './uid-db.ts';
import { wholeDatabase } from './uid-db-read.ts';
import { removeJournal } from './uid-journal.ts';

/** A name that a folder lost by DELETE or RENAME. */
export interface FormerName {
  readonly uidValidity: number;
  /** Of the directory; 0: it is gone, so no folder can be the same one. */
  readonly inode: number;
  /** The directory entry, `.Sent`, an octet a character. */
  readonly entry: string;
}

const recordFile = 'postrider-uidvalidity';
/** Courier's epoch: 2001-09-09. */
const epochSeconds = 1_000_000_000;
const mostFormerNames = 1000;

/** The record of one account, in memory while the account is locked. */
export class UidValidityRecord {
  /** The highest value given to a folder. */
  #last: number;
  readonly #former: FormerName[];

  constructor(last: number, former: FormerName[]) {
    this.#last = last;
    this.#former = former;
  }

  /** Takes the value for a folder that is about to be made; save the record before the folder can be seen. */
  take(nowSeconds: number): number {
    this.#last = Math.max(nowSeconds - epochSeconds - 1, this.#last + 1);
    return this.#last;
  }

  remember(name: FormerName): void {
    const isSame = (other: FormerName) =>
      other.entry === name.entry && other.uidValidity === name.uidValidity && other.inode === name.inode;
    if (!this.#former.some(isSame)) this.#former.push(name);
  }

  /** Whether other messages were known under this name with this value. */
  wasAnother(folder: FormerName): boolean {
    return this.#former.some(
      ({ entry, uidValidity, inode }) =>
        entry === folder.entry &&
        uidValidity === folder.uidValidity &&
        (inode !== folder.inode || inode === 0),
    );
  }

  async save(maildir: string, settings: StoreSettings): Promise<void> {
    const text = JSON.stringify({ last: this.#last, former: this.#former.slice(-mostFormerNames) });
    await replaceFile(maildir, recordFile, `${text}\n`, settings);
  }
}

/**
 * Reads an account's record.
 * @param folders  directories of all folders: where a lost record starts
 */
export function readRecord(maildir: string, folders: () => Iterable<string>): UidValidityRecord {
  try {
    const record = parseRecord(readFileSync(octetPath(maildir, recordFile), 'latin1'));
    if (record) return record;
  } catch {
    // There is none, or it is damaged.
  }
  // Folders from before Courier 4.10 have undiminished times, which are no measure.
  const highest = Math.floor(Date.now() / 1000) - epochSeconds + 86_400;
  let last = 0;
  for (const folder of folders()) {
    const value = uidValidityOf(folder) ?? 0;
    if (value <= highest) last = Math.max(last, value);
  }
  return new UidValidityRecord(last, []);
}

function parseRecord(text: string): UidValidityRecord | undefined {
  const { last, former } = JSON.parse(text) as { last: unknown; former: unknown };
  if (!Number.isSafeInteger(last) || !Array.isArray(former)) return undefined;
  return new UidValidityRecord(last as number, former.filter(isFormerName));
}

function isFormerName(value: unknown): value is FormerName {
  const { uidValidity, inode, entry } = value as { [key in keyof FormerName]: unknown };
  return typeof uidValidity === 'number' && typeof inode === 'number' && typeof entry === 'string';
}

/** The UIDVALIDITY in a folder's UID database; undefined if it has none. */
export function uidValidityOf(folder: string): number | undefined {
  const octets = Buffer.alloc(200);
  try {
    const descriptor = openSync(octetPath(folder, 'courierimapuiddb'), 'r');
    try {
      const length = readSync(descriptor, octets, 0, octets.length, 0);
      return new UidDbReader(octets.subarray(0, length)).header?.uidValidity;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return undefined; // whoever opens the folder makes one
  }
}

/** Gives a folder that nobody uses another UIDVALIDITY; the UIDs stay. The caller holds the folder's lock. */
export async function replaceUidValidity(
  folder: string,
  value: number,
  settings: StoreSettings,
): Promise<void> {
  const { text, hasJournal } = wholeDatabase(folder);
  await replaceFile(folder, 'courierimapuiddb', text.replace(/^(\s*\d+\s+)\d+/, `$1${value}`), settings);
  if (hasJournal) removeJournal(folder);
}
