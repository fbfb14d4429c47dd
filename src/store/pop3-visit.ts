/** When an account last logged in over POP3: the time of a file of ours in its maildir, the same for all processes. */
import { closeSync, lstatSync } from 'node:fs';
import { octetPath } from '../base/paths.ts';
import { asMailError, errorCode } from './errno.ts';
import * as steps from './steps.ts';

const fileName = 'postrider-pop3login';

/**
 * Notes a login, if the last one is long enough ago (RFC 2449 §6.5). Of two at the same moment both may be let in.
 * @returns whether it is
 * @throws {MailError} overQuota, noPermission, unavailable
 */
export function noteVisit(maildir: string, delaySeconds: number): boolean {
  const path = `${maildir}/${fileName}`;
  try {
    const last = lstatSync(octetPath(path), { throwIfNoEntry: false })?.mtimeMs;
    const passedMs = last === undefined ? Number.POSITIVE_INFINITY : Date.now() - last;
    // A time in the future is a clock that was put right; two clocks of one machine differ by less than a second.
    if (passedMs > -1000 && passedMs < delaySeconds * 1000) return false;
    if (last !== undefined) removeFile(path);
    closeSync(steps.create(path));
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return true;
    throw asMailError(error, `cannot write ${fileName}`);
  }
}

function removeFile(path: string): void {
  try {
    steps.unlink(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}
