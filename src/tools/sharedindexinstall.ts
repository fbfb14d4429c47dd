/** sharedindexinstall: puts new index files of shared accounts in the place of the old ones (quota-acl-shared §3.6). */
import { readdirSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { octetPath, pathOctets } from '../base/paths.ts';
import { errorText, type ToolOutput } from './tool.ts';

/**
 * Runs sharedindexinstall: rename the new files over the old ones, `index` last, then remove those that are no more. So
 * whatever an index names is there at any time.
 * @param directory  the configuration directory, with `shared` and `shared.tmp`
 * @returns the exit code
 */
export function sharedindexinstall(directory: string, out: ToolOutput): number {
  const [now, next] = [`${directory}/shared`, `${directory}/shared.tmp`];
  const names = listed(next);
  if (names.length === 0) {
    out.stdout(`${next} is empty!\n`);
    return 1;
  }
  if (!statSync(now, { throwIfNoEntry: false })?.isDirectory()) {
    out.stdout(`${now} does not exist!\n`);
    return 1;
  }
  const inOrder = [...names.filter((name) => name !== 'index'), ...names.filter((name) => name === 'index')];
  try {
    for (const name of inOrder)
      renameSync(octetPath(pathOctets(next), name), octetPath(pathOctets(now), name));
    for (const name of listed(now)) if (!names.includes(name)) unlinkSync(octetPath(pathOctets(now), name));
    return 0;
  } catch (error) {
    out.stderr(`${now}: ${errorText(error)}\n`);
    return 1;
  }
}

/** Names as `ls` shows them; none if there is no such directory. */
function listed(directory: string): string[] {
  try {
    return readdirSync(octetPath(pathOctets(directory)), 'latin1').filter((name) => !name.startsWith('.'));
  } catch {
    return []; // it is as good as empty
  }
}
