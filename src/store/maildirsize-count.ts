/** Counting all messages of an account for its quota (quota-acl-shared §1.4). */
import { closeSync, type Dirent, fstatSync, lstatSync, readdirSync, readSync } from 'node:fs';
import { octetPath } from '../base/paths.ts';
import { visitDirectory } from './directory-list.ts';
import { asMailError, errorCode } from './errno.ts';
import {
  type Amount,
  appendChange,
  formatChange,
  isCounted,
  openQuotaFile,
  parseChange,
  quotaFile,
  sizeInName,
} from './maildirsize-file.ts';
import { replaceFile } from './root-files.ts';
import type { QuotaRules, StoreSettings } from './settings.ts';

const mostCounts = 5;

/**
 * Counts all messages, in slices: write a file in `tmp` with the quota and one line; rename it.
 * If a directory changes meanwhile the count may miss something: then again, a few times.
 * @param line  the first line of the new file
 * @returns `raced` if it could not be counted in peace
 * @throws {MailError} noPermission, unavailable
 */
export async function count(
  root: string,
  line: string,
  settings: StoreSettings,
): Promise<{ usage: Amount; raced: boolean }> {
  for (let attempt = 1; ; attempt++) {
    const old = openQuotaFile(root, settings);
    try {
      const end = old === undefined ? 0 : fstatSync(old).size;
      const directories = countedDirectories(root, settings);
      const newest = newestChange(directories);
      const usage = await countMessages(directories, settings);
      await replaceFile(root, quotaFile, `${line}\n${formatChange(usage)}`, settings);
      const raced = newestChange(countedDirectories(root, settings)) !== newest;
      if (!raced) return { usage: carryOver(root, usage, old, end, settings), raced };
      if (attempt === mostCounts) return { usage, raced };
    } finally {
      if (old !== undefined) closeSync(old);
    }
  }
}

/**
 * Programs that lock nothing may have appended to the old file while we counted. No directory has changed, so what they
 * have charged is still to come and what they have given back was not counted: the charges go into the new file.
 */
function carryOver(
  root: string,
  usage: Amount,
  old: number | undefined,
  end: number,
  rules: QuotaRules,
): Amount {
  if (old === undefined) return usage;
  const length = fstatSync(old).size - end;
  if (length <= 0) return usage;
  const octets = Buffer.alloc(Math.min(length, 65_536));
  const text = octets.toString('latin1', 0, readSync(old, octets, 0, octets.length, end));
  const sum = { ...usage };
  for (const line of text.split('\n')) {
    const change = parseChange(line);
    if (change === undefined || change.octets < 0 || change.messages < 0) continue;
    appendChange(root, change, rules);
    sum.octets += change.octets;
    sum.messages += change.messages;
  }
  return sum;
}

/** `new` and `cur` of the maildir and of its folders; `.Trash` counts by a setting, under this name only. */
function countedDirectories(root: string, { countTrash = false }: QuotaRules): string[] {
  let entries: Dirent<Buffer>[];
  try {
    entries = readdirSync(octetPath(root), { withFileTypes: true, encoding: 'buffer' });
  } catch (error) {
    throw asMailError(error, 'cannot count the quota');
  }
  const folders = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name.toString('latin1'))
    .filter((name) => name.startsWith('.') && (countTrash || name !== '.Trash'));
  return ['.', ...folders].flatMap((name) => [`${root}/${name}/new`, `${root}/${name}/cur`]);
}

/** The latest change of any of the directories, in nanoseconds. */
function newestChange(directories: readonly string[]): bigint {
  let newest = 0n;
  for (const directory of directories) {
    const stats = lstatSync(octetPath(directory), { bigint: true, throwIfNoEntry: false });
    if (stats && stats.mtimeNs > newest) newest = stats.mtimeNs;
  }
  return newest;
}

async function countMessages(directories: readonly string[], rules: QuotaRules): Promise<Amount> {
  const total = { octets: 0, messages: 0 };
  for (const directory of directories) {
    const add = (name: string) => {
      const octets = isCounted(name, rules) ? sizeOf(directory, name) : undefined;
      if (octets === undefined) return;
      total.octets += octets;
      total.messages++;
    };
    try {
      await visitDirectory(directory, { file: add, other: add });
    } catch (error) {
      const code = errorCode(error);
      if (code !== 'ENOENT' && code !== 'ENOTDIR') throw asMailError(error, 'cannot count the quota');
    }
  }
  return total;
}

function sizeOf(directory: string, fileName: string): number | undefined {
  const inName = sizeInName(fileName);
  if (inName !== undefined) return inName;
  return lstatSync(octetPath(directory, fileName), { throwIfNoEntry: false })?.size;
}
