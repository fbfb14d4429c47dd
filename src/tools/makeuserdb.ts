/** makeuserdb: makes the index that the daemon reads instead of the text (authlib §4.3). */
import { lstatSync } from 'node:fs';
import { errorText } from '../auth/auth-error.ts';
import { withFileLock } from '../auth/file-lock.ts';
import { indexOf } from '../auth/modules/userdb.ts';
import { makeUserdbIndex } from '../auth/modules/userdb-index-writer.ts';
import type { ToolOutput } from './tool.ts';

/** @param userdb  the configured file or directory; `-f file` names another; @returns the exit code */
export async function makeuserdb(args: readonly string[], userdb: string, out: ToolOutput): Promise<number> {
  if (args.length > 0 && (args[0] !== '-f' || args.length !== 2)) {
    out.stderr('Usage: makeuserdb [-f filename]\n');
    return 1;
  }
  const source = args[1] ?? userdb;
  const target = indexOf(source);
  try {
    for (const path of [source, target]) {
      if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink())
        throw new Error(`${path}: symbolic link`);
    }
    await withFileLock(`${source}.lock`, () => makeUserdbIndex(source, target));
    return 0;
  } catch (error) {
    out.stderr(`${errorText(error)}\n`);
    return 1;
  }
}
