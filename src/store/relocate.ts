/** Finding a message whose file another program renamed (its flags changed) since we looked. */
import { lstatSync, statSync } from 'node:fs';
import { MailError } from '../base/mail-error.ts';
import { octetPath } from '../base/paths.ts';
import { visitDirectorySync } from './directory-list.ts';
import { asMailError } from './errno.ts';
import { canonicalInfo } from './flags.ts';
import type { FolderState } from './folder-state.ts';
import { baseLength } from './name-order.ts';

/**
 * Looks for a message's file and takes over the flags of its present name.
 * @returns false if the message has gone
 * @throws {MailError} unavailable: the directory cannot be read
 */
export function relocate(state: FolderState, row: number): boolean {
  const { columns } = state;
  const base = columns.baseName(row);
  for (let bits = 0; bits < 32; bits++) {
    const name = base + canonicalInfo(bits);
    if (lstatSync(octetPath(state.path(name)), { throwIfNoEntry: false })) return found(state, row, name);
  }
  try {
    return lookThrough(state, row, base);
  } catch (error) {
    throw asMailError(error, 'cannot list the folder');
  }
}

function found(state: FolderState, row: number, name: string): true {
  if (state.columns.setInfo(row, name.slice(baseLength(name)))) state.rowChanged(row);
  return true;
}

/** One listing answers for every row that is missing, until the directory changes again. */
function lookThrough(state: FolderState, row: number, base: string): boolean {
  const { columns } = state;
  const curTime = statSync(octetPath(`${state.directory}/cur`)).mtimeMs;
  if (state.missing?.curTime === curTime && state.missing.uids.has(columns.uids[row]!)) return false;
  const missing = new Set(columns.uids.subarray(0, columns.count));
  let name = '';
  const file = (each: string): void => {
    const length = baseLength(each);
    missing.delete(columns.names.find(each, length));
    if (length === base.length && each.startsWith(base)) name = each;
  };
  const isLinked = state.settings.linkTarget !== undefined;
  visitDirectorySync(`${state.directory}/cur`, { file, ...(isLinked && { other: file }) });
  state.missing = { curTime, uids: missing };
  return name === '' ? false : found(state, row, name);
}

/**
 * Runs `use` on a message's file name, and once more if the file was renamed meanwhile.
 * @param use  throws ENOENT if there is no such file
 * @throws {MailError} expunged; unavailable; noPermission
 */
export function withFile<T>(state: FolderState, row: number, use: (path: string) => T): T {
  const path = state.path(state.columns.fileName(row));
  try {
    return use(path);
  } catch (error) {
    if (!isMissing(error)) throw asMailError(error, 'cannot use the message');
  }
  for (let attempt = 0; attempt < 5; attempt++) {
    if (!relocate(state, row)) break;
    try {
      return use(state.path(state.columns.fileName(row)));
    } catch (error) {
      if (!isMissing(error)) throw asMailError(error, 'cannot use the message');
    }
  }
  if (state.isProvisional) {
    try {
      return use(`${state.directory}/new/${state.columns.fileName(row)}`);
    } catch (error) {
      if (!isMissing(error)) throw asMailError(error, 'cannot use the message');
    }
  }
  throw new MailError('expunged', 'the message has gone');
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
