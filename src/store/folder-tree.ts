/**
 * Making and removing folder directories. Both work on a directory in the maildir's `tmp`, which one rename makes the
 * folder or a folder no more: nobody ever sees half of one. What a crash leaves in `tmp` is swept away later.
 */
import { closeSync, lstatSync, readdirSync } from 'node:fs';
import { MailError } from '../base/mail-error.ts';
import { octetPath } from '../base/paths.ts';
import { asMailError, errorCode } from './errno.ts';
import { removeKept } from './kept-files.ts';
import { forgetFolder } from './registry.ts';
import { removeTree } from './remove-tree.ts';
import type { StoreSettings } from './settings.ts';
import * as steps from './steps.ts';
import type { UidValidityRecord } from './uid-validity.ts';
import { uidValidityOf } from './uid-validity.ts';
import { temporaryName, uniqueName } from './unique-names.ts';

const newWord = 'newfolder';
const deletedWord = 'deletedfolder';
/** Nobody takes as long to make a folder. */
const sweepAgeMs = 3_600_000;

/**
 * Makes a folder.
 *
 *   save the UIDVALIDITY record; mkdir tmp/<unique>, its tmp, new, cur, courierimapkeywords, and create maildirfolder
 *   and courierimapuiddb in it; rename it to the folder's name
 *
 * @param entry  its directory entry, `.Sent`
 * @throws {MailError} exists, overQuota, noPermission, unavailable
 */
export async function makeFolder(
  maildir: string,
  entry: string,
  record: UidValidityRecord,
  settings: StoreSettings,
): Promise<void> {
  if (entryExists(maildir, entry)) throw new MailError('exists', 'the mailbox exists');
  const staging = stagingPath(maildir, newWord, settings);
  try {
    const uidValidity = record.take(Math.floor(Date.now() / 1000));
    await record.save(maildir, settings);
    makeDirectory(staging);
    for (const name of ['tmp', 'new', 'cur', 'courierimapkeywords']) makeDirectory(`${staging}/${name}`);
    await writeFile(`${staging}/maildirfolder`, '', settings);
    steps.changeMode(`${staging}/maildirfolder`, 0o600);
    await writeFile(`${staging}/courierimapuiddb`, `1 ${uidValidity} 1\n`, settings);
    if (settings.durable) await steps.syncDirectory(staging);
    steps.rename(staging, `${maildir}/${entry}`);
    if (settings.durable) await steps.syncDirectory(maildir);
  } catch (error) {
    await removeTree(staging);
    const code = errorCode(error) ?? '';
    if (['EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes(code))
      throw new MailError('exists', 'the mailbox exists');
    throw asMailError(error, 'cannot make the folder');
  }
}

/**
 * Removes a folder, but no folder below it.
 *
 *   save the UIDVALIDITY record with the name; rename the folder to tmp/<unique>; remove that
 *
 * A folder that is a symbolic link only loses the link.
 * @param entry  its directory entry, `.Sent`
 * @returns a function that removes the messages: the name is free before that
 * @throws {MailError} notFound, noPermission, unavailable
 */
export async function unmakeFolder(
  maildir: string,
  entry: string,
  record: UidValidityRecord,
  settings: StoreSettings,
): Promise<() => Promise<void>> {
  const directory = `${maildir}/${entry}`;
  const stats = lstatSync(octetPath(directory), { throwIfNoEntry: false });
  if (!stats?.isDirectory() && !stats?.isSymbolicLink()) throw new MailError('notFound', 'no such mailbox');
  const trash = stagingPath(maildir, deletedWord, settings);
  try {
    const uidValidity = uidValidityOf(directory);
    if (uidValidity !== undefined) {
      record.remember({ uidValidity, inode: 0, entry });
      await record.save(maildir, settings);
    }
    forgetFolder(directory);
    if (stats.isSymbolicLink()) steps.unlink(directory);
    else steps.rename(directory, trash);
    removeKept(directory, settings);
    if (settings.durable) await steps.syncDirectory(maildir);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') throw new MailError('notFound', 'no such mailbox');
    throw asMailError(error, 'cannot remove the folder');
  }
  return () => (stats.isSymbolicLink() ? Promise.resolve() : removeTree(trash));
}

/**
 * Removes what interrupted calls of the above have left in `tmp`, once it is old enough.
 * @returns whether there was nothing of the kind, old or young
 * @throws {MailError} noPermission, unavailable
 */
export async function sweepLeftovers(maildir: string, ageMs = sweepAgeMs): Promise<boolean> {
  let isEmpty = true;
  for (const name of listTemporary(maildir)) {
    const word = /^\d+\.M\d+P\d+_([a-z]+)\d+\./.exec(name)?.[1];
    if (word !== newWord && word !== deletedWord) continue;
    isEmpty = false;
    const path = `${maildir}/tmp/${name}`;
    const stats = lstatSync(octetPath(path), { throwIfNoEntry: false });
    if (stats?.isDirectory() && Date.now() - stats.ctimeMs > ageMs) await removeTree(path);
  }
  return isEmpty;
}

function listTemporary(maildir: string): string[] {
  try {
    return readdirSync(octetPath(maildir, 'tmp'), 'latin1');
  } catch (error) {
    throw asMailError(error, 'cannot look for leftovers');
  }
}

/** Whether there is anything of this name, be it a folder or not. */
export function entryExists(maildir: string, entry: string): boolean {
  return lstatSync(octetPath(maildir, entry), { throwIfNoEntry: false }) !== undefined;
}

let counter = 0;

function stagingPath(maildir: string, word: string, settings: StoreSettings): string {
  return `${maildir}/tmp/${temporaryName(uniqueName(settings.hostname, `${word}${counter++}`))}`;
}

function makeDirectory(path: string): void {
  steps.makeDirectory(path, 0o700);
  steps.changeMode(path, 0o700);
}

async function writeFile(path: string, octets: string, settings: StoreSettings): Promise<void> {
  const descriptor = steps.create(path);
  try {
    steps.write(descriptor, Buffer.from(octets, 'latin1'));
    if (settings.durable) await steps.syncFile(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
