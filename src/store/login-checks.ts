/** What is looked at before an account is served (maildir-store §1.5). */
import { closeSync, fstatSync, statSync } from 'node:fs';
import { MailError } from '../base/mail-error.ts';
import { octetPath } from '../base/paths.ts';
import { asMailError } from './errno.ts';
import type { StoreSettings } from './settings.ts';
import * as steps from './steps.ts';
import { createTemporary } from './unique-names.ts';

export interface LoginChecks {
  /** The account's home directory, an octet a character. */
  readonly home: string;
  readonly maildir: string;
  /** IMAP_MAILBOX_SANITY_CHECK: the maildir must be the session's own; undefined: whose it is does not matter. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  /** IMAP looks at the clock of the file server, POP3 does not. */
  readonly clock: boolean;
}

const mostSkewMs = 30_000;
const skewValidMs = 60_000;

/** When a file server's clock, by the device of a maildir, was last found right. */
const rightClocks = new Map<number, number>();

/** The administrator has locked the account: its home directory has the sticky bit. The message is for the client. */
export class LockedAccount extends MailError {
  constructor() {
    super('unavailable', 'Your account is temporarily unavailable (+t bit set on home directory).');
  }
}

/**
 * Checks an account that has logged in.
 * @throws {LockedAccount}
 * @throws {MailError} unavailable, with the words Courier says
 */
export function checkLogin(checks: LoginChecks, settings: StoreSettings): void {
  if (isSticky(checks.home)) throw new LockedAccount();
  const maildir = statMaildir(checks.maildir);
  const { owner } = checks;
  if (owner && (maildir.uid !== owner.uid || maildir.gid !== owner.gid))
    throw new MailError(
      'unavailable',
      "[ALERT] Fatal error: Account's mailbox directory is not owned by the correct uid or gid: ",
    );
  if (checks.clock) checkClock(checks.maildir, maildir.dev, settings);
}

/** A home directory that cannot be looked at counts as one that is being worked on. */
function isSticky(home: string): boolean {
  try {
    return (statSync(octetPath(home)).mode & 0o1000) !== 0;
  } catch {
    return true;
  }
}

function statMaildir(maildir: string): { uid: number; gid: number; dev: number } {
  try {
    return statSync(octetPath(maildir));
  } catch (error) {
    throw asMailError(error, 'cannot open the maildir');
  }
}

/** Creates a file in `tmp`, looks at its time, unlinks it; once a minute for each file system. */
function checkClock(maildir: string, device: number, settings: StoreSettings): void {
  const now = Date.now();
  if (now - (rightClocks.get(device) ?? 0) < skewValidMs) return;
  let serverMs: number;
  try {
    const { path, descriptor } = createTemporary(maildir, settings.hostname, 'clockskew');
    try {
      serverMs = fstatSync(descriptor).mtimeMs;
    } finally {
      closeSync(descriptor);
      steps.unlink(path);
    }
  } catch (error) {
    throw asMailError(error, 'cannot write to the maildir');
  }
  if (Math.abs(serverMs - Date.now()) > mostSkewMs)
    throw new MailError('unavailable', 'Clock skew detected. Check the clock on the file server');
  rightClocks.set(device, now);
}
