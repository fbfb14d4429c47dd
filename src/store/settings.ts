import type { Log } from '../base/log.ts';

/** How folders are worked with: the same for all sessions of a process. */
export interface StoreSettings {
  /** Synchronise files and directories before a change is acknowledged. */
  readonly durable: boolean;
  /** IMAP_KEYWORDS: 0 off, 1 fast, 2 slow (maildir-store §6). */
  readonly keywords: 0 | 1 | 2;
  /** IMAP_USELOCKS: take `tmp/courier.lock` (maildir-store §5). */
  readonly useLocks: boolean;
  /** The kernel's host name: part of file names and of the lock. */
  readonly hostname: string;
  readonly log: Log;
  /** False where directory watches do not reach (network file systems); default true. */
  readonly watch?: boolean;
}
