import type { OutboxSettings } from '../outbox/submission.ts';

/** What the administrator decides about SMAP1 sessions; the settings are those of IMAP. */
export interface SmapSettings {
  /** IMAP_KEYWORDS ≠ 0. */
  readonly keywords: boolean;
  /** IMAP_EMPTYTRASH as written; undefined is not set. */
  readonly emptyTrash: string | undefined;
  /** IMAP_LOG_DELETIONS. */
  readonly logDeletions: boolean;
  /** IMAP_IDLE_TIMEOUT: how often IDLE looks by itself, for changes the system does not tell of. */
  readonly idlePollMs: number;
  /** How messages are sent. */
  readonly submission: OutboxSettings;
  readonly limits: SmapLimits;
}

export interface SmapLimits {
  /** Octets of one message that is uploaded. */
  readonly appendOctets: number;
  /** Without a command; then BYE. */
  readonly inactivityMs: number;
  /** Without an octet of a message that is uploaded. */
  readonly literalMs: number;
}

/** Octets of a command line (smap §2); a longer one is refused. */
export const lineOctets = 8191;
