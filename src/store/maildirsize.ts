/**
 * The quota of an account: `maildirsize` in its main maildir (quota-acl-shared §1, maildir-store §10).
 *
 * The first line is the quota, every other line two signed numbers, octets and messages, to add to the usage. Nobody
 * locks: a change is one appended line, and a new count is a new file renamed over the old one. What is appended to the
 * old file meanwhile is lost; the file is counted anew when it has grown to 5120 octets anyway.
 */
import {
  closeSync,
  type Dirent,
  fstatSync,
  lstatSync,
  constants as o,
  openSync,
  readdirSync,
  readSync,
} from 'node:fs';
import { octetPath } from '../base/paths.ts';
import { asMailError, errorCode } from './errno.ts';
import { replaceFile } from './root-files.ts';
import type { StoreSettings } from './settings.ts';
import { Slice } from './slices.ts';
import * as steps from './steps.ts';

export interface Amount {
  readonly octets: number;
  readonly messages: number;
}

/** 0 is no limit. */
export type Limit = Amount;

export interface Quota {
  readonly limit: Limit;
  readonly usage: Amount;
}

interface QuotaFile extends Quota {
  /** The first line as it is. */
  readonly line: string;
  /** Lines behind the first. */
  readonly changes: number;
  /** The usage cannot be trusted: the file is long, its sum negative, or its end missing. */
  readonly mustCount: boolean;
  readonly mtimeMs: number;
}

const quotaFile = 'maildirsize';
const longestFile = 5120;
/** So long a file that was just counted is believed. */
const freshMs = 15 * 60_000;
const mostCounts = 5;

/**
 * Reads `1000S,5C`: numbers with S (octets) or C (messages) in any order, the last counts; others are passed over.
 * @param complain  is told once if there is a number with another letter
 */
export function parseLimit(text: string, complain: () => void = () => undefined): Limit {
  const limit = { octets: 0, messages: 0 };
  for (const [, digits, letter] of text.matchAll(/(\d+)(.?)/g)) {
    if (letter === 'S') limit.octets = Number(digits);
    else if (letter === 'C') limit.messages = Number(digits);
    else complain();
  }
  return limit;
}

export function formatLimit({ octets, messages }: Limit): string {
  return [octets > 0 ? `${octets}S` : '', messages > 0 ? `${messages}C` : ''].filter(Boolean).join(',');
}

/** The directory that has the quota of a folder: up from each that holds `maildirfolder`. */
export function quotaRootOf(folder: string): string {
  let directory = folder;
  while (lstatSync(octetPath(directory, 'maildirfolder'), { throwIfNoEntry: false })) directory += '/..';
  return directory;
}

/**
 * The quota and how much of it is used; counted anew if the file says so. Without a file there is no quota.
 * @throws {MailError} noPermission, unavailable
 */
export async function readQuota(root: string, settings: StoreSettings): Promise<Quota | undefined> {
  const file = readFile(root);
  if (!file?.mustCount) return file;
  const { usage } = await count(root, file.line, settings);
  return { limit: file.limit, usage };
}

/** Gives an account a quota, and counts. */
export async function writeQuota(root: string, limit: Limit, settings: StoreSettings): Promise<void> {
  await count(root, formatLimit(limit), settings);
}

/** Counts anew, for what no line can say: a folder that was removed or renamed. */
export async function recountQuota(root: string, settings: StoreSettings): Promise<void> {
  const file = readFile(root);
  if (file) await count(root, file.line, settings);
}

/**
 * Counts messages that are to come, if there is room for them.
 * @returns false if there is not; then nothing is counted
 * @throws {MailError} noPermission, unavailable
 */
export async function chargeQuota(root: string, amount: Amount, settings: StoreSettings): Promise<boolean> {
  const file = readFile(root);
  if (!file) return true;
  if (!file.mustCount && fits(file.usage, amount, file.limit)) {
    appendChange(root, amount);
    return true;
  }
  const isCounted = file.changes === 1 && Date.now() - file.mtimeMs < freshMs;
  if (!file.mustCount && isCounted) return false;
  const { usage, raced } = await count(root, file.line, settings);
  if (raced) return true;
  if (!fits(usage, amount, file.limit)) return false;
  appendChange(root, amount);
  return true;
}

/** Counts what has happened already, be there room or not; amounts may be negative. */
export async function adjustQuota(root: string, amount: Amount, settings: StoreSettings): Promise<void> {
  const file = readFile(root);
  if (!file || (amount.octets === 0 && amount.messages === 0)) return;
  // A new count sees what has happened, so it replaces the line.
  if (file.mustCount) await count(root, file.line, settings);
  else appendChange(root, amount);
}

/** How full it is, 0 to 100: the fuller of both limits, in whole percent as Courier divides; 0 without a limit. */
export function percentUsed({ limit, usage }: Quota): number {
  const percents = [
    [usage.octets, limit.octets],
    [usage.messages, limit.messages],
  ].map(([used, most]) => {
    if (most === 0) return 0;
    const unit = most > 20_000_000 ? 1024 : 1;
    return used > most ? 100 : Math.floor((Math.floor(used / unit) * 100) / Math.floor(most / unit));
  });
  return Math.max(...percents);
}

function fits(usage: Amount, more: Amount, limit: Limit): boolean {
  return (
    (limit.octets === 0 || usage.octets + more.octets <= limit.octets) &&
    (limit.messages === 0 || usage.messages + more.messages <= limit.messages)
  );
}

function formatChange({ octets, messages }: Amount): string {
  return `${String(octets).padStart(12)} ${String(messages).padStart(12)}\n`;
}

/** Opens the file to read and append; undefined if there is none, or it is a symbolic link. */
function openQuotaFile(root: string): number | undefined {
  try {
    return openSync(octetPath(root, quotaFile), o.O_RDWR | o.O_APPEND | o.O_NOFOLLOW);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return undefined;
  }
}

function readFile(root: string): QuotaFile | undefined {
  const descriptor = openQuotaFile(root);
  if (descriptor === undefined) return undefined;
  try {
    const octets = Buffer.alloc(longestFile);
    const length = readSync(descriptor, octets, 0, longestFile, 0);
    const { mtimeMs } = fstatSync(descriptor);
    return { ...parseQuotaFile(octets.toString('latin1', 0, length)), mtimeMs };
  } finally {
    closeSync(descriptor);
  }
}

function parseQuotaFile(text: string): Omit<QuotaFile, 'mtimeMs'> {
  const [line = '', ...changes] = text.replace(/\n$/, '').split('\n');
  const usage = { octets: 0, messages: 0 };
  for (const change of changes) {
    const numbers = /^\s*(-?\d+)\s*(-?\d+)/.exec(change);
    if (!numbers) continue;
    usage.octets += Number(numbers[1]);
    usage.messages += Number(numbers[2]);
  }
  const isCut = text.length >= longestFile || !text.endsWith('\n');
  const mustCount = isCut || usage.octets < 0 || usage.messages < 0;
  return { line, limit: parseLimit(line), usage, changes: changes.length, mustCount };
}

function appendChange(root: string, amount: Amount): void {
  const descriptor = openQuotaFile(root);
  if (descriptor === undefined) return;
  try {
    steps.write(descriptor, Buffer.from(formatChange(amount)));
  } catch (error) {
    throw asMailError(error, 'cannot write the quota');
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Counts all messages: write a file in `tmp` with the quota and one line; rename it.
 * If a directory changes meanwhile the count may miss something: then again, a few times.
 * @returns `raced` if it could not be counted in peace
 */
async function count(
  root: string,
  line: string,
  settings: StoreSettings,
): Promise<{ usage: Amount; raced: boolean }> {
  for (let attempt = 1; ; attempt++) {
    const directories = countedDirectories(root);
    const newest = newestChange(directories);
    const usage = await countMessages(directories);
    await replaceFile(root, quotaFile, `${line}\n${formatChange(usage)}`, settings);
    const raced = newestChange(countedDirectories(root)) !== newest;
    if (!raced || attempt === mostCounts) return { usage, raced };
  }
}

/** `new` and `cur` of the maildir and of all its folders but `.Trash`, also under another trash folder's name. */
function countedDirectories(root: string): string[] {
  let entries: Dirent<Buffer>[];
  try {
    entries = readdirSync(octetPath(root), { withFileTypes: true, encoding: 'buffer' });
  } catch (error) {
    throw asMailError(error, 'cannot count the quota');
  }
  const folders = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name.toString('latin1'))
    .filter((name) => name.startsWith('.') && name !== '.Trash');
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

async function countMessages(directories: readonly string[]): Promise<Amount> {
  const total = { octets: 0, messages: 0 };
  const slice = new Slice();
  for (const directory of directories)
    for (const name of listMessages(directory)) {
      if (slice.isOver()) await slice.next();
      const octets = isCounted(name) ? sizeOf(directory, name) : undefined;
      if (octets === undefined) continue;
      total.octets += octets;
      total.messages++;
    }
  return total;
}

function listMessages(directory: string): string[] {
  try {
    return readdirSync(octetPath(directory), 'latin1');
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw asMailError(error, 'cannot count the quota');
  }
}

/** Whether a message with this file name counts: not those that are \Deleted. */
export function isCounted(fileName: string): boolean {
  return !fileName.startsWith('.') && !/^[^:]*(?::(?!2,)[^:]*)*:2,[A-SU-Z]*T/.test(fileName);
}

/** The size in a file's name, `,S=`, left of the first colon; undefined if it has none. */
export function sizeInName(fileName: string): number | undefined {
  const digits = /^[^:]*,S=(\d+)/.exec(fileName)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function sizeOf(directory: string, fileName: string): number | undefined {
  const inName = sizeInName(fileName);
  if (inName !== undefined) return inName;
  return lstatSync(octetPath(directory, fileName), { throwIfNoEntry: false })?.size;
}
