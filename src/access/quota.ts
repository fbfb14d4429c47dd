/** What messages weigh in the quota of an account (quota-acl-shared §1.5). */
import { existsSync, lstatSync } from 'node:fs';
import { MailError } from '../base/mail-error.ts';
import { octetPath } from '../base/paths.ts';
import { flag } from '../store/flags.ts';
import type { Folder } from '../store/folder.ts';
import {
  type Amount,
  adjustQuota,
  chargeQuota,
  formatLimit,
  parseLimit,
  type Quota,
  readQuota,
  recountQuota,
  sizeInName,
  writeQuota,
} from '../store/maildirsize.ts';
import type { StoreSettings } from '../store/settings.ts';

export const nothing: Amount = { octets: 0, messages: 0 };

/** The quota of one account: all its folders together. */
export class AccountQuota {
  readonly maildir: string;
  readonly #settings: StoreSettings;
  readonly #ownLimit: string;

  /** @param ownLimit  MAILDIRQUOTA: the limit the file is to have, `1000S,10C`; '' leaves it as it is */
  constructor(maildir: string, settings: StoreSettings, ownLimit: string) {
    this.maildir = maildir;
    this.#settings = settings;
    this.#ownLimit = ownLimit;
  }

  /** Whether anything is counted at all. */
  exists(): boolean {
    return this.#ownLimit !== '' || existsSync(octetPath(this.maildir, 'maildirsize'));
  }

  /** @throws {MailError} unavailable */
  read(): Promise<Quota | undefined> {
    return readQuota(this.maildir, this.#settings);
  }

  /** Counts what is to come. @throws {MailError} overQuota: there is no room, and nothing was counted */
  async charge(amount: Amount): Promise<void> {
    if (isNothing(amount)) return;
    await this.#setOwnLimit();
    if (!(await chargeQuota(this.maildir, amount, this.#settings)))
      throw new MailError('overQuota', 'the quota is exceeded');
  }

  /** Counts what has happened. */
  async adjust(amount: Amount): Promise<void> {
    if (!isNothing(amount)) await adjustQuota(this.maildir, amount, this.#settings);
  }

  /** After folders came, went or got other names. */
  recount(): Promise<void> {
    return recountQuota(this.maildir, this.#settings);
  }

  async #setOwnLimit(): Promise<void> {
    if (this.#ownLimit === '') return;
    const limit = parseLimit(this.#ownLimit);
    const present = (await this.read())?.limit;
    if (present === undefined || formatLimit(present) !== formatLimit(limit))
      await writeQuota(this.maildir, limit, this.#settings);
  }
}

/** The folder whose messages never count, whatever the trash folder is called. */
export function isCountedFolder(folder: string): boolean {
  return folder !== 'INBOX.Trash';
}

/** One message, before something happens to it. */
export interface Weighed {
  readonly uid: number;
  readonly octets: number;
  readonly deleted: boolean;
}

/** Sizes as the quota sees them: the one in the name, else the file's. */
export function weigh(folder: Folder, uids: Iterable<number>): Weighed[] {
  const weighed: Weighed[] = [];
  for (const uid of uids) {
    const row = folder.rowOf(uid);
    if (row < 0) continue;
    const name = folder.fileName(row);
    const octets =
      sizeInName(name) ??
      lstatSync(octetPath(folder.directory, 'cur', name), { throwIfNoEntry: false })?.size;
    if (octets !== undefined)
      weighed.push({ uid, octets, deleted: (folder.flags[row]! & flag.deleted) !== 0 });
  }
  return weighed;
}

/** Adds up messages. @param weight  how often each counts: 1, 0 or -1 */
export function total(messages: Iterable<Weighed>, weight: (message: Weighed) => number): Amount {
  const sum = { octets: 0, messages: 0 };
  for (const message of messages) {
    const times = weight(message);
    sum.octets += times * message.octets;
    sum.messages += times;
  }
  return sum;
}

/** What is given back of a charge. */
export function minus(amount: Amount, less: Amount = nothing): Amount {
  return { octets: less.octets - amount.octets, messages: less.messages - amount.messages };
}

function isNothing({ octets, messages }: Amount): boolean {
  return octets === 0 && messages === 0;
}
