import type { Log } from '../base/log.ts';

/** What counts in the quota of an account; all programs on its maildir must agree. */
export interface QuotaRules {
  /** TRASHQUOTA: messages in Trash and those that are \Deleted count in the quota; default false. */
  readonly countTrash?: boolean;
  /** MAILDIR_SKIP_SYMLINK_CHECKS: a `maildirsize` that is a symbolic link counts; default: it is no quota. */
  readonly quotaLinks?: boolean;
}

/** How folders are worked with: the same for all sessions of a process. */
export interface StoreSettings extends QuotaRules {
  /** Synchronise files and directories before a change is acknowledged. */
  readonly durable: boolean;
  /** IMAP_KEYWORDS: 0 off, 1 fast, 2 slow (maildir-store §6). */
  readonly keywords: 0 | 1 | 2;
  /** IMAP_USELOCKS: take `tmp/courier.lock` (maildir-store §5). */
  readonly useLocks: boolean;
  /** The kernel's host name: part of file names and of the lock. */
  readonly hostname: string;
  readonly log: Log;
  /** Messages are symbolic links to those of this folder in a sharable maildir, a latin1 path (link-folder.ts). */
  readonly linkTarget?: string;
  /** False where directory watches do not reach (network file systems); default true. */
  readonly watch?: boolean;
  /** Keep the folder's columns, and what was computed of its messages, in files for the next process; default false. */
  readonly keepsIndex?: boolean;
  /** A directory of the server's own for these files, a latin1 string; default: they are in the folder. */
  readonly indexDirectory?: string | undefined;
  /** What the cache file of one folder may take; default 256 MiB. */
  readonly cacheFileOctets?: number;
  /** Keep a text index of folders with at least so many messages, for SEARCH; default: of none. */
  readonly textIndexFrom?: number | undefined;
  /** New UIDs go to a journal first, and to Courier's UID database when the folder is opened next; default false. */
  readonly lazyUids?: boolean;
}
