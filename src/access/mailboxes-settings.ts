import type { Prefix } from './client-names.ts';
import type { QuotaWarning } from './quota.ts';
import type { SharedSettings } from './shared-index.ts';
import { type SpecialUse, wellKnownFolders } from './special-use.ts';

/** What the administrator decides about names and Trash. */
export interface MailboxesSettings {
  /** What the client writes in front of the account's own folders; with '' the long spelling `INBOX.x` is understood too. */
  readonly prefix: Prefix;
  /** IMAP_TRASHFOLDERNAME, a folder name below INBOX. */
  readonly trashFolder: string;
  /** IMAP_MOVE_EXPUNGE_TO_TRASH ≠ 0. */
  readonly moveExpungeToTrash: boolean;
  /** IMAP_CHECK_ALL_FOLDERS: say \Marked for all folders, not for INBOX alone. */
  readonly checkAllFolders: boolean;
  /** Allow new names beyond the Basic Multilingual Plane; Courier's sessions end when they list one. */
  readonly astralNames: boolean;
  /** The quota of the account, or MAILDIRQUOTA, `1000000S,1000C`; default: what its `maildirsize` says. */
  readonly maildirQuota?: string;
  /** Default: nobody is warned. */
  readonly quotaWarning?: QuotaWarning;
  /** How many mailboxes an account may have; default and 0: no limit. */
  readonly mailboxLimit?: number;
  /** Default: nothing is shared. */
  readonly shared?: SharedSettings;
  /** Which folders are \Sent, \Drafts, \Trash, \Junk, \Archive. */
  readonly specialUse: SpecialUse;
}

export const defaultMailboxesSettings: MailboxesSettings = {
  prefix: 'INBOX.',
  trashFolder: 'Trash',
  moveExpungeToTrash: false,
  checkAllFolders: false,
  astralNames: false,
  specialUse: wellKnownFolders,
};
