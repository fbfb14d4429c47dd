import { closeSync } from 'node:fs';
import { errorCode } from './errno.ts';
import * as steps from './steps.ts';

/**
 * Makes the directories of a folder and its marker, in the order and with the modes of maildir-store §1.3; what
 * exists already stays. Stopping midway leaves a partial directory, which doing it again completes.
 * @param directory  latin1 path, e.g. `/home/a/Maildir/.Trash`
 * @throws a system error
 */
export function makeFolderDirectories(directory: string): void {
  for (const path of ['', '/tmp', '/new', '/cur']) {
    try {
      steps.makeDirectory(directory + path, 0o700);
      steps.changeMode(directory + path, 0o700);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    }
  }
  try {
    const descriptor = steps.create(`${directory}/maildirfolder`);
    closeSync(descriptor);
    steps.changeMode(`${directory}/maildirfolder`, 0o600);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}
