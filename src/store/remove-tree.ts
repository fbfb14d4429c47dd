import { type Dir, opendirSync } from 'node:fs';
import { octetPath } from '../base/paths.ts';
import { errorCode } from './errno.ts';
import { Slice } from './slices.ts';
import * as steps from './steps.ts';

/**
 * Removes a directory and what is in it, in slices; symbolic links are removed, never followed. What somebody else
 * removes at the same time is no error.
 */
export async function removeTree(directory: string, slice = new Slice()): Promise<void> {
  let entries: Dir;
  try {
    entries = opendirSync(octetPath(directory), { encoding: 'latin1', bufferSize: 512 });
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  try {
    for (let entry = await entries.read(); entry; entry = await entries.read()) {
      if (slice.isLong()) await slice.next();
      const path = `${directory}/${entry.name}`;
      if (entry.isDirectory()) await removeTree(path, slice);
      else ifThere(() => steps.unlink(path));
    }
  } finally {
    entries.closeSync();
  }
  try {
    await steps.removeDirectory(directory);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

function ifThere(remove: () => void): void {
  try {
    remove();
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}
