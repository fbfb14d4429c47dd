/** The account's own small files in the maildir: written by temporary file and rename. */
import { closeSync } from 'node:fs';
import { asMailError } from './errno.ts';
import { inTurn, takeDotLock } from './lock.ts';
import type { StoreSettings } from './settings.ts';
import * as steps from './steps.ts';
import { createTemporary } from './unique-names.ts';

/**
 * Runs `task` while nobody else, who keeps to locks, changes the account's folders or files.
 * It must not open INBOX: that would wait for the same lock.
 */
export function withAccountLock<T>(
  maildir: string,
  settings: StoreSettings,
  task: () => Promise<T>,
): Promise<T> {
  return inTurn(maildir, async () => {
    const release = await takeDotLock(maildir, settings);
    try {
      return await task();
    } finally {
      release();
    }
  });
}

/**
 * Puts a file with these octets in place of the old one: create and write a file in `tmp`, sync it if durable;
 * rename it over; sync the directory if durable. Stopping before the rename leaves the old file.
 * @param directory  a folder: it has a `tmp`
 * @param isStillWanted  asked just before the rename; if it says no, nothing happens
 * @returns whether it was put in place
 * @throws {MailError} overQuota, noPermission, unavailable
 */
export async function replaceFile(
  directory: string,
  file: string,
  octets: string,
  settings: StoreSettings,
  isStillWanted: () => boolean = () => true,
): Promise<boolean> {
  try {
    const temporary = createTemporary(directory, settings.hostname, 'file');
    let placed = false;
    try {
      steps.write(temporary.descriptor, Buffer.from(octets, 'latin1'));
      if (settings.durable) await steps.syncFile(temporary.descriptor);
      if (!isStillWanted()) return false;
      steps.rename(temporary.path, `${directory}/${file}`);
      placed = true;
    } finally {
      closeSync(temporary.descriptor);
      if (!placed) steps.unlink(temporary.path);
    }
    if (settings.durable) await steps.syncDirectory(directory);
    return true;
  } catch (error) {
    throw asMailError(error, `cannot write ${file}`);
  }
}
