import { opendir } from 'node:fs/promises';
import { octetPath } from '../base/paths.ts';
import { flag } from '../store/flags.ts';
import { knownFolder } from '../store/registry.ts';

/** Whether a folder holds a message that is not \Seen (\Marked, maildir-store §8.9): a file without S in its flags. */
export async function hasUnseen(folder: string): Promise<boolean> {
  const known = knownFolder(folder);
  if (known && !known.isDirty()) {
    const { flags, count } = known.columns;
    return flags.subarray(0, count).some((bits) => (bits & flag.seen) === 0);
  }
  for (const name of ['new', 'cur']) {
    try {
      for await (const entry of await opendir(octetPath(folder, name), {
        encoding: 'latin1',
        bufferSize: 512,
      }))
        if (!entry.name.startsWith('.') && !/:2,[^:]*S[^:]*$/.test(entry.name)) return true;
    } catch {
      // A folder that cannot be read has nothing to show.
    }
  }
  return false;
}
