/** The quota roots that a user can name (quota-acl-shared §1.9, RFC 9208). */
import { MailError } from '../base/mail-error.ts';
import type { Account } from '../store/account.ts';
import type { Amount, Quota } from '../store/maildirsize.ts';
import type { MailboxesSettings } from './mailboxes-settings.ts';
import { AccountQuota } from './quota.ts';
import { isSharableName, sharedPrefix, type Targets } from './targets.ts';

/** What GETQUOTA tells. */
export interface QuotaReport {
  /** undefined: nothing is counted. */
  readonly quota: Quota | undefined;
  /** undefined: no limit. */
  readonly mailboxes: { readonly used: number; readonly limit: number } | undefined;
}

export class QuotaRoots {
  readonly #targets: Targets;
  readonly #settings: Pick<MailboxesSettings, 'maildirQuota' | 'mailboxLimit' | 'quotaWarning'>;

  constructor(targets: Targets, settings: MailboxesSettings) {
    this.#targets = targets;
    this.#settings = settings;
  }

  of(account: Account): AccountQuota {
    const { maildirQuota = '', quotaWarning } = this.#settings;
    const ownLimit = account === this.#targets.account ? maildirQuota : '';
    return new AccountQuota(account.maildir, account.settings, ownLimit, quotaWarning);
  }

  /**
   * GETQUOTAROOT: the name of the quota root of a mailbox, existing or not. Administrators are told one for each shared
   * account, the name of its INBOX.
   */
  rootOf(name: string): string {
    const canonical = this.#targets.canonical(name);
    if (isSharableName(canonical)) return 'SHARED';
    if (!canonical.startsWith(sharedPrefix)) return 'ROOT';
    return (this.#isAdministrator && this.#sharedRoot(name)) || 'PUBLIC';
  }

  /** GETQUOTA; undefined: there is no such root, or it has no quota. @throws {MailError} unavailable */
  async report(root: string): Promise<QuotaReport | undefined> {
    const account = this.#accountOf(root);
    if (account === undefined) return undefined;
    const { mailboxLimit: limit = 0 } = this.#settings;
    const quota = await this.of(account).read();
    const mailboxes = limit > 0 ? { used: (await account.listFolders()).size, limit } : undefined;
    return { quota, mailboxes };
  }

  /**
   * SETQUOTA, for members of the group of administrators.
   * @param limit  0 is no limit
   * @throws {MailError} noPermission; notFound: no such root; cannot: the limit comes from elsewhere; unavailable
   */
  async setLimit(root: string, limit: Amount): Promise<void> {
    if (!this.#isAdministrator) throw new MailError('noPermission', 'only administrators set quotas');
    const account = this.#accountOf(root);
    if (account === undefined) throw new MailError('notFound', 'no such quota root');
    const quota = this.of(account);
    if (quota.isFixed) throw new MailError('cannot', 'the quota of this account is set elsewhere');
    await quota.setLimit(limit);
  }

  /** @throws {MailError} overQuota: there may be no more mailboxes */
  async requireRoomForMailbox(account: Account): Promise<void> {
    const { mailboxLimit: limit = 0 } = this.#settings;
    if (limit > 0 && (await account.listFolders()).size >= limit)
      throw new MailError('overQuota', 'there are too many mailboxes');
  }

  get #isAdministrator(): boolean {
    return this.#targets.identity.groups.includes('administrators');
  }

  #accountOf(root: string): Account | undefined {
    if (root === 'ROOT') return this.#targets.account;
    if (!this.#isAdministrator || this.#sharedRoot(root) !== root) return undefined;
    return this.#targets.find(root).account;
  }

  /** The name of the INBOX of the account that a shared name belongs to. */
  #sharedRoot(name: string): string | undefined {
    try {
      const target = this.#targets.find(name);
      if (!target.name.startsWith(sharedPrefix)) return undefined;
      return target.name.slice(0, target.name.length - target.folder.length + 'INBOX'.length);
    } catch (error) {
      if (!(error instanceof MailError)) throw error;
      return undefined;
    }
  }
}
