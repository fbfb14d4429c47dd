/** What messages weigh in the quota of an account (quota-acl-shared §1.5). */
import { MailError } from '../base/mail-error.ts';
import { flag } from '../store/flags.ts';
import type { Folder } from '../store/folder.ts';
import {
  type Amount,
  adjustQuota,
  chargeQuota,
  formatLimit,
  hasQuota,
  parseLimit,
  percentUsed,
  type Quota,
  readQuota,
  readQuotaLocked,
  recountQuota,
  withQuotaLock,
  writeQuota,
} from '../store/maildirsize.ts';
import type { QuotaRules, StoreSettings } from '../store/settings.ts';
import { warnOfQuota } from './quota-warning.ts';

export const nothing: Amount = { octets: 0, messages: 0 };

/** What a task that changes an account's messages tells of them, while nobody else of us counts. */
export interface QuotaLedger {
  /** Counts what is to come. @throws {MailError} overQuota: there is no room, and nothing was counted */
  charge(amount: Amount): Promise<void>;
  /** Counts what has happened. */
  adjust(amount: Amount): Promise<void>;
  /** After folders came, went or got other names. */
  recount(): Promise<void>;
}

/** When and with what the owner of an account is warned. */
export interface QuotaWarning {
  readonly percent: number;
  /** See `warnOfQuota`. */
  readonly messageFile: string;
}

const done = Promise.resolve();
const notCounted: QuotaLedger = { charge: () => done, adjust: () => done, recount: () => done };

/** The quota of one account: all its folders together. */
export class AccountQuota {
  readonly maildir: string;
  readonly settings: StoreSettings;
  readonly #ownLimit: string;
  readonly #warning: QuotaWarning | undefined;

  /** @param ownLimit  the limit the file is to have, `1000S,10C`; '' leaves it as it is */
  constructor(maildir: string, settings: StoreSettings, ownLimit: string, warning?: QuotaWarning) {
    this.maildir = maildir;
    this.settings = settings;
    this.#ownLimit = ownLimit;
    this.#warning = warning;
  }

  /** Whether the limit comes from elsewhere and cannot be changed in the file. */
  get isFixed(): boolean {
    return this.#ownLimit !== '';
  }

  /** Whether anything is counted at all. */
  exists(): boolean {
    return this.#ownLimit !== '' || hasQuota(this.maildir);
  }

  /** @throws {MailError} unavailable */
  async read(): Promise<Quota | undefined> {
    const quota = await readQuota(this.maildir, this.settings);
    if (!this.isFixed || (quota && this.#isOwnLimit(quota))) return quota;
    return withQuotaLock(this.maildir, this.settings, async () => {
      await this.#setOwnLimit();
      return readQuotaLocked(this.maildir, this.settings);
    });
  }

  /**
   * Runs a task that puts messages into the account or takes them out; where nothing is counted, at once.
   * @throws what the task throws; {MailError} overQuota, unavailable, inUse
   */
  async change<T>(task: (ledger: QuotaLedger) => Promise<T>): Promise<T> {
    if (!this.exists()) return task(notCounted);
    try {
      return await withQuotaLock(this.maildir, this.settings, () => task(this.#ledger()));
    } finally {
      if (this.#warning) await this.#warn(this.#warning);
    }
  }

  async #warn({ percent, messageFile }: QuotaWarning): Promise<void> {
    const quota = await readQuota(this.maildir, this.settings);
    if (quota && percentUsed(quota) >= percent) await warnOfQuota(this.maildir, messageFile, this.settings);
  }

  /** SETQUOTA. @throws {MailError} unavailable */
  setLimit(limit: Amount): Promise<void> {
    return withQuotaLock(this.maildir, this.settings, () => writeQuota(this.maildir, limit, this.settings));
  }

  #ledger(): QuotaLedger {
    const { maildir, settings } = this;
    return {
      charge: async (amount) => {
        if (isNothing(amount)) return;
        await this.#setOwnLimit();
        if (!(await chargeQuota(maildir, amount, settings)))
          throw new MailError('overQuota', 'the quota is exceeded');
      },
      adjust: (amount) => (isNothing(amount) ? done : adjustQuota(maildir, amount, settings)),
      recount: () => recountQuota(maildir, settings),
    };
  }

  async #setOwnLimit(): Promise<void> {
    if (this.#ownLimit === '') return;
    const present = await readQuotaLocked(this.maildir, this.settings);
    if (present === undefined || !this.#isOwnLimit(present))
      await writeQuota(this.maildir, parseLimit(this.#ownLimit), this.settings);
  }

  #isOwnLimit({ limit }: Quota): boolean {
    return formatLimit(limit) === formatLimit(parseLimit(this.#ownLimit));
  }
}

/** Whether a folder's messages count: all but those of one, whatever the trash folder is called; that by a setting. */
export function isCountedFolder(folder: string, { countTrash = false }: QuotaRules): boolean {
  return countTrash || folder !== 'INBOX.Trash';
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
    const octets = octetsOf(folder, row);
    if (octets !== undefined)
      weighed.push({ uid, octets, deleted: (folder.flags[row]! & flag.deleted) !== 0 });
  }
  return weighed;
}

function octetsOf(folder: Folder, row: number): number | undefined {
  try {
    return folder.fileOctets(row);
  } catch (error) {
    if (!(error instanceof MailError)) throw error;
    return undefined; // it has gone
  }
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
