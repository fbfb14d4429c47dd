import { type Dirent, readdirSync } from 'node:fs';
import { octetPath } from '../base/paths.ts';
import { errorCode } from './errno.ts';
import { Slice } from './slices.ts';
import * as steps from './steps.ts';

/**
 * Removes a directory and what is in it, in slices; symbolic links are removed, never followed. What somebody else
 * removes at the same time is no error.
 */
export async function removeTree(directory: string, slice = new Slice()): Promise<void> {
  let entries: Dirent<Buffer>[];
  try {
    entries = readdirSync(octetPath(directory), { withFileTypes: true, encoding: 'buffer' });
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  for (const entry of entries) {
    if (slice.isOver()) await slice.next();
    const path = `${directory}/${entry.name.toString('latin1')}`;
    if (entry.isDirectory()) await removeTree(path, slice);
    else ifThere(() => steps.unlink(path));
  }
  ifThere(() => steps.removeDirectory(directory));
}

function ifThere(remove: () => void): void {
  try {
    remove();
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}
