/**
 * What has been sent from the Outbox and is not stored yet: so that a message that is put there again, because the
 * server or the connection ended in between, is not sent twice without a word. In the maildir, a file for each:
 *
 *   begin:  create and write tmp/x; fsync it; link it to postrider-outbox/SHA-256.sending; unlink tmp/x; fsync
 *   sent:   rename SHA-256.sending to SHA-256.sent; fsync the directory
 *   forget: unlink
 *
 * Stopping after `begin` leaves a message of which nobody can know whether it was sent: that is said once, and then
 * forgotten. Stopping after `sent` leaves one that must be stored and not sent.
 */
import { closeSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { octetPath } from '../base/paths.ts';
import { asMailError, errorCode } from './errno.ts';
import type { StoreSettings } from './settings.ts';
import * as steps from './steps.ts';
import { createTemporary } from './unique-names.ts';

/** A client that has not tried again by then will not: the next such message is a new one. */
const keptMs = 3 * 86_400_000;

/** No submission takes longer: what is left of another host, or of a reused process number. */
const longestSendingMs = 2 * 3_600_000;

const directoryName = 'postrider-outbox';

/** Entries that this process is sending at the moment. */
const sending = new Set<string>();

export interface OutboxEntry {
  /** The message has been accepted for delivery. @throws {MailError} */
  sent(): Promise<void>;
  /** It has been stored, or was not accepted. */
  forget(): void;
  /** What happens to it is not known, or is left for the next attempt: the entry stays as it is. */
  leave(): void;
}

export type Begun =
  /** Send it, then `sent`. */
  | { readonly kind: 'new'; readonly entry: OutboxEntry }
  /** It has been sent earlier, and only has to be stored. */
  | { readonly kind: 'sent'; readonly entry: OutboxEntry }
  /** Somebody is sending it at the moment. */
  | { readonly kind: 'running' }
  /** Whoever was sending it has died; the entry is forgotten now. */
  | { readonly kind: 'unknown' };

/**
 * @param sha256  of the message's octets, hexadecimal
 * @throws {MailError} overQuota, noPermission, unavailable: nothing can be noted, so it must not be sent
 */
export async function beginSending(maildir: string, settings: StoreSettings, sha256: string): Promise<Begun> {
  const directory = `${maildir}/${directoryName}`;
  const paths = { sending: `${directory}/${sha256}.sending`, sent: `${directory}/${sha256}.sent` };
  try {
    makeIfMissing(directory);
    removeOld(directory);
    if (ageMs(paths.sent) !== undefined)
      return { kind: 'sent', entry: new JournalEntry(directory, paths, settings) };
    if (!(await note(maildir, directory, paths.sending, settings)))
      return { kind: isRunning(paths.sending, settings.hostname) ? 'running' : forgetUnknown(paths.sending) };
    return { kind: 'new', entry: new JournalEntry(directory, paths, settings) };
  } catch (error) {
    throw asMailError(error, `cannot write ${directoryName}`);
  }
}

class JournalEntry implements OutboxEntry {
  readonly #directory: string;
  readonly #paths: { readonly sending: string; readonly sent: string };
  readonly #settings: StoreSettings;

  constructor(directory: string, paths: { sending: string; sent: string }, settings: StoreSettings) {
    this.#directory = directory;
    this.#paths = paths;
    this.#settings = settings;
  }

  async sent(): Promise<void> {
    try {
      steps.rename(this.#paths.sending, this.#paths.sent);
      if (this.#settings.durable) await steps.syncDirectory(this.#directory);
    } catch (error) {
      throw asMailError(error, `cannot write ${directoryName}`);
    } finally {
      sending.delete(this.#paths.sending);
    }
  }

  forget(): void {
    sending.delete(this.#paths.sending);
    for (const path of [this.#paths.sending, this.#paths.sent]) removeFile(path);
  }

  leave(): void {
    sending.delete(this.#paths.sending);
  }
}

/** False if there is such an entry. */
async function note(
  maildir: string,
  directory: string,
  path: string,
  settings: StoreSettings,
): Promise<boolean> {
  const temporary = createTemporary(maildir, settings.hostname, 'outbox');
  try {
    steps.write(temporary.descriptor, Buffer.from(`${process.pid}:${settings.hostname}\n`, 'latin1'));
    if (settings.durable) await steps.syncFile(temporary.descriptor);
    steps.link(temporary.path, path);
    sending.add(path);
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    closeSync(temporary.descriptor);
    steps.unlink(temporary.path);
  }
  if (settings.durable) await steps.syncDirectory(directory);
  return true;
}

function isRunning(path: string, hostname: string): boolean {
  const age = ageMs(path);
  // It went away just now: whoever sent it has come to an end.
  if (age === undefined) return true;
  if (age > longestSendingMs) return false;
  const [, pid, host] = /^(\d+):(.*)\n$/.exec(readFileSync(octetPath(path), 'latin1')) ?? [];
  if (host !== hostname) return true;
  if (Number(pid) === process.pid) return sending.has(path);
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return errorCode(error) !== 'ESRCH';
  }
}

function forgetUnknown(path: string): 'unknown' {
  removeFile(path);
  return 'unknown';
}

function makeIfMissing(directory: string): void {
  try {
    steps.makeDirectory(directory, 0o700);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}

function removeOld(directory: string): void {
  for (const name of readdirSync(octetPath(directory), 'latin1')) {
    const path = `${directory}/${name}`;
    if ((ageMs(path) ?? 0) > keptMs) removeFile(path);
  }
}

function ageMs(path: string): number | undefined {
  const stats = lstatSync(octetPath(path), { throwIfNoEntry: false });
  return stats && Date.now() - stats.mtimeMs;
}

function removeFile(path: string): void {
  try {
    steps.unlink(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}
