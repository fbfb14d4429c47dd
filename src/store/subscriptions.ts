/**
 * The subscriptions of an account: `courierimapsubscribed`, one name a line, in the order they were made
 * (maildir-store §7).
 *
 * Courier takes no lock and rewrites the file from what it has read. We take the maildir's lock, against our own
 * processes, and just before a new file is put in place look whether the old one is still the one we have read.
 */
import { readFileSync, statSync } from 'node:fs';
import { octetPath } from '../base/paths.ts';
import { octetsToText, textToOctets } from './names.ts';
import { replaceFile, withAccountLock } from './root-files.ts';
import type { StoreSettings } from './settings.ts';

export const subscriptionsFile = 'courierimapsubscribed';

interface SubscriptionFile {
  /** Which file it was, and in what state; 'none' if there was no file. */
  readonly stamp: string;
  /** False if it changed so lately that a further change need not show in its time stamp. */
  readonly settled: boolean;
  /** An octet a character. */
  readonly lines: readonly string[];
  readonly names: readonly string[];
}

/** Reads, remembers and changes the subscriptions of one account. */
export class Subscriptions {
  readonly #maildir: string;
  readonly #settings: StoreSettings;
  #read: SubscriptionFile | undefined;

  constructor(maildir: string, settings: StoreSettings) {
    this.#maildir = maildir;
    this.#settings = settings;
  }

  /** Names in the file's order, also of folders that do not exist; those Courier wrote keep their spelling of INBOX. */
  list(): readonly string[] {
    return this.#load().names;
  }

  /**
   * @returns false if it was subscribed already
   * @throws {MailError} unavailable
   */
  subscribe(name: string): Promise<boolean> {
    const line = textToOctets(name)!;
    return this.#change((lines) => (lines.some((l) => isSameName(l, line)) ? undefined : [...lines, line]));
  }

  /** @returns false if it was not subscribed; then nothing is written */
  unsubscribe(name: string): Promise<boolean> {
    const line = textToOctets(name)!;
    return this.#change((lines) => {
      const rest = lines.filter((l) => !isSameName(l, line));
      return rest.length === lines.length ? undefined : rest;
    });
  }

  #load(): SubscriptionFile {
    const path = octetPath(this.#maildir, subscriptionsFile);
    const now = fileStamp(path);
    if (this.#read?.settled && this.#read.stamp === now.stamp) return this.#read;
    const text = now.stamp === 'none' ? '' : readFileSync(path, 'latin1');
    const lines = text.split('\n').filter((line) => line !== '');
    this.#read = { ...now, lines, names: lines.map(octetsToText) };
    return this.#read;
  }

  /** Write the new list to `tmp`; rename it over the file. Stopping before the rename leaves the old list. */
  #change(edit: (lines: readonly string[]) => string[] | undefined): Promise<boolean> {
    return withAccountLock(this.#maildir, this.#settings, async () => {
      const path = octetPath(this.#maildir, subscriptionsFile);
      for (;;) {
        const { stamp, lines } = this.#load();
        const edited = edit(lines);
        if (edited === undefined) return false;
        const text = edited.map((line) => `${line}\n`).join('');
        const isUnchanged = () => fileStamp(path).stamp === stamp;
        if (await replaceFile(this.#maildir, subscriptionsFile, text, this.#settings, isUnchanged))
          return true;
      }
    });
  }
}

function fileStamp(path: string | Buffer): { stamp: string; settled: boolean } {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return { stamp: 'none', settled: true };
  return {
    stamp: `${stats.ino} ${stats.size} ${stats.mtimeNs}`,
    settled: Date.now() - Number(stats.mtimeMs) > 1000,
  };
}

/** Octets decide, but for the spelling of a first INBOX. */
function isSameName(one: string, other: string): boolean {
  if (one === other) return true;
  return /^inbox/i.test(one) && /^inbox/i.test(other) && one.slice(5) === other.slice(5);
}
