import type { Account } from '../store/account.ts';
import type { OpenMailbox } from './open-mailbox.ts';
import type { Rights } from './rights.ts';

/** What the administrator decides about names and Trash. */
export interface MailboxesSettings {
  /** What the client writes in front of the account's own folders; with '' the old spelling `INBOX.x` is still understood. */
  readonly prefix: 'INBOX.' | '';
  /** IMAP_TRASHFOLDERNAME, a folder name below INBOX. */
  readonly trashFolder: string;
  /** IMAP_MOVE_EXPUNGE_TO_TRASH ≠ 0. */
  readonly moveExpungeToTrash: boolean;
  /** IMAP_CHECK_ALL_FOLDERS: say \Marked for all folders, not for INBOX alone. */
  readonly checkAllFolders: boolean;
  /** Refuse to create names beyond the Basic Multilingual Plane, which end a Courier session that lists them. */
  readonly refuseAstralNames: boolean;
  /** `\Sent` -> names below INBOX; the first that exists gets the attribute (RFC 6154). */
  readonly specialUse: readonly (readonly [attribute: string, names: readonly string[]])[];
}

export interface ListOptions {
  /** LIST (SUBSCRIBED): subscribed names, existing or not (RFC 5258 §3). */
  readonly subscribed?: boolean;
  /** With `subscribed`: parents that match and have a subscribed descendant that does not (RFC 5258 §3.5). */
  readonly recursiveMatch?: boolean;
  /** LIST (SPECIAL-USE) (RFC 6154 §5.2). */
  readonly specialUse?: boolean;
}

export interface ListEntry {
  /** As this client writes it, decoded: `INBOX.Größe`. '' answers an empty pattern. */
  readonly name: string;
  /** False: \Noselect, a missing parent, or a subscribed name without a folder. */
  readonly selectable: boolean;
  /** undefined: neither \HasChildren nor \HasNoChildren is to be said. */
  readonly hasChildren: boolean | undefined;
  /** \Marked or \Unmarked; undefined: neither. */
  readonly marked: boolean | undefined;
  readonly subscribed: boolean;
  /** CHILDINFO ("SUBSCRIBED"), with `recursiveMatch` only. */
  readonly childSubscribed: boolean;
  /** `\Sent`, `\Drafts`, `\Trash`, `\Junk` or `\Archive`. */
  readonly specialUse: string | undefined;
}

/** STATUS; counts as of now on the disk, new mail included. */
export interface MailboxStatus {
  readonly messages: number;
  readonly recent: number;
  readonly unseen: number;
  readonly deleted: number;
  readonly uidNext: number;
  readonly uidValidity: number;
  readonly highestModseq: number;
}

export interface Namespace {
  readonly prefix: string;
  readonly delimiter: '.';
}

/** A mailbox name that made sense: which folder of which account. */
export interface Target {
  /** Canonical: `INBOX`, `INBOX.Sent`. Equal strings are the same mailbox. */
  readonly name: string;
  readonly account: Account;
  /** The folder's name within its account. */
  readonly folder: string;
}

/**
 * The mailboxes one account can reach: the one way the protocols get at mail.
 * All names that go in are decoded and spelt as the client spells them.
 * Errors are {@link MailError}s: `invalidName`, `notFound`, `exists`, `noPermission`, `inUse`, `cannot`, `unavailable`.
 */
export class Mailboxes {
  readonly account: Account;
  readonly settings: MailboxesSettings;

  constructor(account: Account, settings: MailboxesSettings) {
    this.account = account;
    this.settings = settings;
  }

  namespaces(): { personal: Namespace[]; others: Namespace[]; shared: Namespace[] } {
    throw new Error(`not yet ${this.account.maildir}`);
  }

  /** @throws {MailError} invalidName; whether the folder exists is not looked at */
  resolve(name: string): Target {
    throw new Error(`not yet ${name}`);
  }

  /** How this client writes a canonical name. */
  clientName(canonical: string): string {
    throw new Error(`not yet ${canonical}`);
  }

  exists(name: string): Promise<boolean> {
    throw new Error(`not yet ${name}`);
  }

  /** What the user may do there; '' if nothing. */
  rights(name: string): Promise<Rights> {
    throw new Error(`not yet ${name}`);
  }

  /** LIST, also the extended one; sorted, INBOX first. @throws {MailError} cannot: too many wildcards */
  list(reference: string, patterns: readonly string[], options: ListOptions = {}): Promise<ListEntry[]> {
    throw new Error(`not yet ${reference} ${patterns} ${options}`);
  }

  lsub(reference: string, pattern: string): Promise<ListEntry[]> {
    throw new Error(`not yet ${reference} ${pattern}`);
  }

  status(name: string): Promise<MailboxStatus> {
    throw new Error(`not yet ${name}`);
  }

  /**
   * Opens a folder for reading (needs right r) or as the target of APPEND and COPY (needs right i).
   * Close it when done; the folder behind it is shared in the process.
   * @throws {MailError} notFound, noPermission, unavailable
   */
  open(name: string, right: 'r' | 'i', options: { readOnly?: boolean } = {}): Promise<OpenMailbox> {
    throw new Error(`not yet ${name} ${right} ${options}`);
  }

  create(name: string): Promise<void> {
    throw new Error(`not yet ${name}`);
  }

  /** @throws {MailError} also `cannot` for INBOX and the trash folder */
  delete(name: string): Promise<void> {
    throw new Error(`not yet ${name}`);
  }

  /** The whole hierarchy moves; UIDs and UIDVALIDITY stay. */
  rename(from: string, to: string): Promise<void> {
    throw new Error(`not yet ${from} ${to}`);
  }

  subscribe(name: string): Promise<void> {
    throw new Error(`not yet ${name}`);
  }

  /** @returns whether it was subscribed */
  unsubscribe(name: string): Promise<boolean> {
    throw new Error(`not yet ${name}`);
  }

  /** IMAP_EMPTYTRASH: `7` or `Trash:7,Sent:30`; at login and at LOGOUT. */
  emptyTrash(value: string | undefined): Promise<void> {
    throw new Error(`not yet ${value}`);
  }
}
