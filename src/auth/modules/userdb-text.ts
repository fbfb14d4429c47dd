/**
 * The userdb text format (authlib §4.1): `name<TAB>field=value|field=value`, one record a line. Octet strings.
 * A userdb is one file, or a directory whose files are read as one.
 */
import { readdirSync, type Stats, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AuthError } from '../auth-error.ts';

/** The first of duplicate fields counts; a field without `=` is present and empty. */
export function userdbField(fields: string, name: string): string | undefined {
  for (let start = 0; start <= fields.length; ) {
    const end = fields.indexOf('|', start);
    const stop = end < 0 ? fields.length : end;
    if (fields.startsWith(name, start)) {
      const after = start + name.length;
      if (after === stop) return '';
      if (after < stop && fields[after] === '=') return fields.slice(after + 1, stop);
    }
    start = stop + 1;
  }
  return undefined;
}

/** Name and fields of a line; undefined for empty lines, comments, lines without TAB and reverse records. */
export function parseUserdbLine(line: string): [name: string, fields: string] | undefined {
  if (line === '' || line[0] === '#') return undefined;
  const tab = line.indexOf('\t');
  if (tab <= 0 || (line[tab - 1] === '=' && /^\d+=$/.test(line.slice(0, tab)))) return undefined;
  return [line.slice(0, tab), line.slice(tab + 1)];
}

/** One file of a userdb; `label` is its place inside the directory, with a trailing `/` (`''` for a flat file). */
export interface UserdbFile {
  readonly path: string;
  readonly label: string;
  readonly stats: Stats;
}

/** Package managers' leftovers: reading them would bring old accounts back. */
const leftover = /\.(?:rpmsave|rpmnew|dist)$|\.dpkg-[^/]*$/;

/**
 * The files of a userdb in the order of their names.
 * @throws {AuthError} temporary: absent, unreadable, group or other permissions, or a leftover of a package manager
 */
export function userdbFiles(path: string, label = ''): UserdbFile[] {
  let stats: Stats;
  try {
    stats = statSync(path);
  } catch (cause) {
    throw new AuthError('temporary', `${path}: ${(cause as Error).message}`, { cause });
  }
  if ((stats.mode & 0o077) !== 0) {
    throw new AuthError('temporary', `${path}: MAY NOT HAVE GROUP OR WORLD PERMISSIONS!!`);
  }
  if (!stats.isDirectory()) return [{ path, label, stats }];
  return readdirSync(path)
    .filter((entry) => !entry.startsWith('.') && !entry.includes('~'))
    .sort()
    .flatMap((entry) => {
      const child = join(path, entry);
      if (leftover.test(entry))
        throw new AuthError('temporary', `${child}: left by a package manager, remove it`);
      return userdbFiles(child, `${label}${entry}/`);
    });
}

/** Lines per turn of the event loop. */
const slice = 1000;

/**
 * Reads all records. `each` may throw to stop.
 * @throws {AuthError} temporary: unreadable
 */
export async function readUserdb(
  files: readonly UserdbFile[],
  each: (name: string, fields: string, file: UserdbFile) => void,
): Promise<void> {
  for (const file of files) {
    let text: string;
    try {
      text = await readFile(file.path, 'latin1');
    } catch (cause) {
      throw new AuthError('temporary', `${file.path}: ${(cause as Error).message}`, { cause });
    }
    let lines = 0;
    for (let start = 0; start < text.length; ) {
      const end = text.indexOf('\n', start);
      const stop = end < 0 ? text.length : end;
      const record = parseUserdbLine(text.slice(start, stop));
      if (record) each(record[0], record[1], file);
      start = stop + 1;
      if (++lines % slice === 0) await new Promise(setImmediate);
    }
  }
}
