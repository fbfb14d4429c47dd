/**
 * The quota of an account: `maildirsize` in its main maildir (quota-acl-shared §1, maildir-store §10).
 *
 * The first line is the quota, every other line two signed numbers, octets and messages, to add to the usage. A change
 * is one appended line, and a new count is a new file renamed over the old one.
 *
 * Courier and maildrop lock nothing here. Among ourselves a new count must not fall between a charge and its message:
 * it would drop the charge and not see the message. So both are done under a lock of our own, {@link withQuotaLock}.
 * Charges come before the messages and refunds behind, so that stopping in between leaves a usage that is too high,
 * which the next count corrects, and never one that is too low.
 */
import { existsSync, lstatSync } from 'node:fs';
import { octetPath } from '../base/paths.ts';
import { inTurn, takeDotLock } from './lock.ts';
import { count } from './maildirsize-count.ts';
import {
  type Amount,
  appendChange,
  formatLimit,
  type Limit,
  type Quota,
  quotaFile,
  readQuotaFile,
} from './maildirsize-file.ts';
import type { StoreSettings } from './settings.ts';

export {
  type Amount,
  formatLimit,
  isCounted,
  parseLimit,
  percentUsed,
  type Quota,
  sizeInName,
} from './maildirsize-file.ts';

const lockFile = 'postrider-quota.lock';
/** So long a file that was just counted is believed. */
const freshMs = 15 * 60_000;

/** The directory that has the quota of a folder: up from each that holds `maildirfolder`. */
export function quotaRootOf(folder: string): string {
  let directory = folder;
  while (lstatSync(octetPath(directory, 'maildirfolder'), { throwIfNoEntry: false })) directory += '/..';
  return directory;
}

/**
 * Runs a task alone among those of us who count in this account, in all processes, also where IMAP_USELOCKS is off:
 * the lock is a file of our own that nobody else waits for. Within it folders may be locked, never the other way round.
 * @throws {MailError} noPermission, unavailable: no file can be made in `tmp`; inUse
 */
export function withQuotaLock<T>(root: string, settings: StoreSettings, task: () => Promise<T>): Promise<T> {
  return inTurn(`${root}/${quotaFile}`, async () => {
    const release = await takeDotLock(root, { ...settings, useLocks: true }, lockFile);
    try {
      return await task();
    } finally {
      release();
    }
  });
}

/** Whether the account has a quota, so that it must be counted. */
export function hasQuota(root: string): boolean {
  return existsSync(octetPath(root, quotaFile));
}

/**
 * The quota and how much of it is used; counted anew if the file says so. Without a file there is no quota.
 * @throws {MailError} noPermission, unavailable
 */
export async function readQuota(root: string, settings: StoreSettings): Promise<Quota | undefined> {
  const file = readQuotaFile(root, settings);
  return file?.mustCount ? withQuotaLock(root, settings, () => readQuotaLocked(root, settings)) : file;
}

/** The same for a caller that holds the lock. */
export async function readQuotaLocked(root: string, settings: StoreSettings): Promise<Quota | undefined> {
  const file = readQuotaFile(root, settings);
  if (!file?.mustCount) return file;
  const { usage } = await count(root, file.line, settings);
  return { limit: file.limit, usage };
}

/** Gives an account a quota, and counts. The caller holds the lock. */
export async function writeQuota(root: string, limit: Limit, settings: StoreSettings): Promise<void> {
  await count(root, formatLimit(limit), settings);
}

/** Counts anew, for what no line can say: a folder that was removed or renamed. The caller holds the lock. */
export async function recountQuota(root: string, settings: StoreSettings): Promise<void> {
  const file = readQuotaFile(root, settings);
  if (file) await count(root, file.line, settings);
}

/**
 * Counts messages that are to come, if there is room for them. The caller holds the lock until they are there.
 * @returns false if there is not; then nothing is counted
 * @throws {MailError} noPermission, unavailable
 */
export async function chargeQuota(root: string, amount: Amount, settings: StoreSettings): Promise<boolean> {
  const file = readQuotaFile(root, settings);
  if (!file) return true;
  if (!file.mustCount && fits(file.usage, amount, file.limit)) {
    appendChange(root, amount, settings);
    return true;
  }
  const isCounted = file.changes === 1 && Date.now() - file.mtimeMs < freshMs;
  if (!file.mustCount && isCounted) return false;
  const { usage, raced } = await count(root, file.line, settings);
  if (raced) return true;
  if (!fits(usage, amount, file.limit)) return false;
  appendChange(root, amount, settings);
  return true;
}

/**
 * Counts what has happened already, be there room or not; amounts may be negative. The caller has held the lock since
 * before it happened.
 */
export async function adjustQuota(root: string, amount: Amount, settings: StoreSettings): Promise<void> {
  const file = readQuotaFile(root, settings);
  if (!file || (amount.octets === 0 && amount.messages === 0)) return;
  // A new count sees what has happened, so it replaces the line.
  if (file.mustCount) await count(root, file.line, settings);
  else appendChange(root, amount, settings);
}

function fits(usage: Amount, more: Amount, limit: Limit): boolean {
  return (
    (limit.octets === 0 || usage.octets + more.octets <= limit.octets) &&
    (limit.messages === 0 || usage.messages + more.messages <= limit.messages)
  );
}
