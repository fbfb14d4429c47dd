/** The file `shared-maildirs`: names of sharable maildirs and where they are (quota-acl-shared §4.1). */
import { accessSync, appendFileSync, constants, readFileSync } from 'node:fs';
import { octetPath, pathOctets } from '../base/paths.ts';
import { errorCode } from '../store/errno.ts';
import { replaceFile } from '../store/root-files.ts';
import { errorText, type ToolOutput, toolStoreSettings } from './tool.ts';

const file = 'shared-maildirs';

/**
 * Adds `name=/path`.
 * @returns the exit code: 2 if the name exists; undefined if the words make no sense
 */
export function addSharable(maildir: string, words: string, out: ToolOutput): number | undefined {
  const equals = words.indexOf('=');
  const [name, path] = [words.slice(0, equals), words.slice(equals + 1)];
  if (equals < 0 || !path.startsWith('/')) return undefined;
  if (!/^[^./\s]+$/.test(name)) {
    out.stderr(`${name}: invalid name\n`);
    return 1;
  }
  let subject = path;
  try {
    accessSync(path, constants.R_OK);
    subject = Buffer.from(maildir, 'latin1').toString();
    accessSync(octetPath(maildir));
    if (readLines(maildir).some((line) => nameOf(line) === pathOctets(name))) {
      out.stderr(`${name}: already defined as a sharable maildir.\n`);
      return 2;
    }
    appendFileSync(octetPath(maildir, file), `${name}\t${path}\n`);
    return 0;
  } catch (error) {
    out.stderr(`${subject}: ${errorText(error)}\n`);
    return 1;
  }
}

/** Removes a name: write the other lines to a file in `tmp` and rename it. */
export async function deleteSharable(maildir: string, name: string, out: ToolOutput): Promise<number> {
  let lines: string[];
  try {
    lines = readFileSync(octetPath(maildir, file), 'latin1').split('\n').slice(0, -1);
  } catch (error) {
    out.stderr(`${Buffer.from(maildir, 'latin1').toString()}: ${errorText(error)}\n`);
    return 1;
  }
  const rest = lines.filter((line) => nameOf(line) !== pathOctets(name));
  if (rest.length === lines.length) {
    out.stderr(`${name}: not found.\n`);
    return 1;
  }
  await replaceFile(maildir, file, rest.map((line) => `${line}\n`).join(''), toolStoreSettings());
  return 0;
}

function readLines(maildir: string): string[] {
  try {
    return readFileSync(octetPath(maildir, file), 'latin1').split('\n');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

function nameOf(line: string): string | undefined {
  return /^[^\s#]+(?=\s)/.exec(line)?.[0];
}
