/** Emptying the trash (IMAP_EMPTYTRASH, maildir-store §9) and the names of messages that are moved there. */
import { lstatSync, readdirSync } from 'node:fs';
import { octetPath } from '../base/paths.ts';
import { asMailError, errorCode } from './errno.ts';
import { flag, parseFlags, replaceFlags } from './flags.ts';
import type { StoreSettings } from './settings.ts';
import { Slice } from './slices.ts';
import * as steps from './steps.ts';

const dayMs = 86_400_000;

export interface EmptyTrash {
  /** Folder name below INBOX; `INBOX` is the maildir itself. */
  readonly folder: string;
  /** Age in days from which messages are removed; at least 1. */
  readonly days: number;
}

/**
 * Reads IMAP_EMPTYTRASH: days for the trash folder, or `folder:days,…`. Days that are no number, or less than one, are one.
 * An empty value is taken as not set, where Courier takes it as one day: nobody empties a trash by writing nothing.
 */
export function parseEmptyTrash(value: string | undefined, trashFolder: string): EmptyTrash[] {
  if (value === undefined || value.trim() === '') return [];
  if (!/[:,]/.test(value)) return [{ folder: trashFolder, days: parseDays(value) }];
  return value.split(',').flatMap((item) => {
    const colon = item.indexOf(':');
    return colon < 0 ? [] : [{ folder: item.slice(0, colon).trim(), days: parseDays(item.slice(colon + 1)) }];
  });
}

function parseDays(text: string): number {
  return Math.max(1, Number.parseInt(text, 10) || 1);
}

/** The name of a message in the trash: without \Deleted and \Draft (maildir-store §8.5). */
export function trashName(fileName: string): string {
  const colon = fileName.lastIndexOf(':');
  if (colon < 0) return fileName;
  const info = fileName.slice(colon);
  if (!info.startsWith(':2,')) return fileName;
  return fileName.slice(0, colon) + replaceFlags(info, parseFlags(info) & ~(flag.deleted | flag.draft));
}

/**
 * Removes messages that came, or were last changed, more than so many days ago: unlink each old file in `cur` and `new`.
 * The next scan drops their UIDs.
 * @returns octets and number of the messages removed, those with \Deleted left out, for the quota
 * @throws {MailError} noPermission, unavailable
 */
export async function purgeFolder(
  folder: string,
  days: number,
  settings: StoreSettings,
): Promise<{ octets: number; messages: number }> {
  const removed = { octets: 0, messages: 0 };
  const directories = [`${folder}/cur`, `${folder}/new`];
  const stamp = stampOf(directories);
  const known = looked.get(folder);
  const limitMs = Date.now() - days * dayMs;
  if (known !== undefined && known.stamp === stamp && known.oldestMs >= limitMs) return removed;
  const slice = new Slice();
  let oldestMs = Number.POSITIVE_INFINITY;
  for (const directory of directories)
    for (const name of listNames(directory)) {
      if (slice.isOver()) await slice.next();
      if (name.startsWith('.')) continue;
      const file = removeIfOlder(`${directory}/${name}`, limitMs, settings);
      if (!file.isRemoved) oldestMs = Math.min(oldestMs, file.changedMs);
      else if ((parseFlags(name.slice(name.lastIndexOf(':'))) & flag.deleted) === 0) {
        removed.octets += file.octets;
        removed.messages++;
      }
    }
  remember(folder, stamp, oldestMs);
  return removed;
}

/** What was seen of folders, so that a login need not look at each message again. */
const looked = new Map<string, { readonly stamp: string; readonly oldestMs: number }>();
const mostLooked = 10_000;

/** @param stamp  from before the look: what came meanwhile makes the next one differ, but for the last second's */
function remember(folder: string, stamp: string, oldestMs: number): void {
  looked.delete(folder);
  if (stamp.endsWith('unsettled')) return;
  looked.set(folder, { stamp, oldestMs });
  if (looked.size > mostLooked) looked.delete(looked.keys().next().value!);
}

function stampOf(directories: readonly string[]): string {
  const times = directories.map(
    (directory) => lstatSync(octetPath(directory), { throwIfNoEntry: false })?.mtimeMs ?? 0,
  );
  return `${times.join(' ')}${Date.now() - Math.max(...times) > 1000 ? '' : ' unsettled'}`;
}

function listNames(directory: string): string[] {
  try {
    return readdirSync(octetPath(directory), 'latin1');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw asMailError(error, 'cannot empty the trash');
  }
}

/** Files that cannot be looked at or removed count as new: the next look is at the next change of the folder. */
function removeIfOlder(
  path: string,
  limitMs: number,
  settings: StoreSettings,
): { isRemoved: boolean; octets: number; changedMs: number } {
  try {
    const stats = lstatSync(octetPath(path));
    const isRemoved = stats.ctimeMs < limitMs && !stats.isDirectory();
    if (isRemoved) steps.unlink(path);
    return { isRemoved, octets: stats.size, changedMs: stats.ctimeMs };
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    if (code !== 'ENOENT') settings.log.warn(`${path}: cannot empty the trash: ${code}`);
    return { isRemoved: false, octets: 0, changedMs: Number.POSITIVE_INFINITY };
  }
}
