/**
 * Changes records of a userdb file (authlib §4.3): under flock on `.lock.<file>`, written to `.tmp.<file>` beside it
 * and renamed. Other lines keep their places, new records are appended. Octet strings.
 */
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { AuthError } from '../auth-error.ts';
import { withFileLock } from '../file-lock.ts';
import { userdbFiles } from './userdb-text.ts';

/** Fields in their order. */
export type Fields = Map<string, string | undefined>;

/** `a=1|b` to a map; of duplicates the first counts. A field without `=` has the value undefined. */
export function readFields(text: string): Fields {
  const fields: Fields = new Map();
  for (const field of text === '' ? [] : text.split('|')) {
    const equals = field.indexOf('=');
    const name = equals < 0 ? field : field.slice(0, equals);
    if (!fields.has(name)) fields.set(name, equals < 0 ? undefined : field.slice(equals + 1));
  }
  return fields;
}

export function writeFields(fields: Fields): string {
  return [...fields].map(([name, value]) => (value === undefined ? name : `${name}=${value}`)).join('|');
}

/**
 * Changes the record `name` of one file, which need not exist yet.
 * @param edit  gets the fields (undefined: no such record); returns the new ones, or undefined to remove the record
 * @returns whether the file was written
 */
export async function editUserdbRecord(
  file: string,
  name: string,
  edit: (fields: Fields | undefined) => Fields | undefined,
): Promise<boolean> {
  const [directory, base] = [dirname(file), basename(file)];
  return withFileLock(join(directory, `.lock.${base}`), async () => {
    const stats = statSync(file, { throwIfNoEntry: false });
    const text = stats ? readFileSync(file, 'latin1') : '';
    const lines = text.split('\n');
    if (lines.at(-1) === '') lines.pop();
    const at = lines.findIndex((line) => line.startsWith(`${name}\t`));
    const old = at < 0 ? undefined : readFields(lines[at]!.slice(name.length + 1));
    const fields = edit(old && new Map(old));
    if (fields) lines[at < 0 ? lines.length : at] = `${name}\t${writeFields(fields)}`;
    else if (at >= 0) lines.splice(at, 1);
    const changed = lines.map((line) => `${line}\n`).join('');
    if (changed === text && stats) return false;
    replace(file, join(directory, `.tmp.${base}`), changed, stats ? stats.mode & 0o777 : 0o600);
    return true;
  });
}

/** open, write, fsync, rename: a crash leaves the old file or the new one. */
function replace(file: string, temporary: string, text: string, mode: number): void {
  const fd = openSync(temporary, 'w', 0o600);
  try {
    fchmodSync(fd, mode);
    writeSync(fd, text, null, 'latin1');
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, file);
}

/**
 * Sets fields of a record wherever in the userdb it is (PASSWD).
 * @throws {AuthError} rejected: there is no such record
 */
export async function setUserdbFields(
  path: string,
  name: string,
  changes: ReadonlyMap<string, string>,
): Promise<void> {
  for (const { path: file } of userdbFiles(path)) {
    if (!hasRecord(readFileSync(file, 'latin1'), name)) continue;
    await editUserdbRecord(file, name, (fields) => {
      if (!fields) throw new AuthError('rejected', `${name} has gone from ${file}`);
      for (const [field, value] of changes) fields.set(field, value);
      return fields;
    });
    return;
  }
  throw new AuthError('rejected', `${name} is not in ${path}`);
}

function hasRecord(text: string, name: string): boolean {
  return text.startsWith(`${name}\t`) || text.includes(`\n${name}\t`);
}
