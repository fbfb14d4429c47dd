import type { OutboxSettings } from '../outbox/submission.ts';

/** What the administrator decides about IMAP sessions (imap-server §17), as plain values. */
export interface ImapSessionSettings {
  /** IMAP_CAPABILITY and IMAP_CAPABILITY_TLS: the administrator's text, copied verbatim; '' is not set. */
  readonly capability: string;
  readonly capabilityTls: string;
  /** SMAP_CAPABILITY; '' is not set. */
  readonly smapCapability: string;
  /** IMAP_KEYWORDS ≠ 0. */
  readonly keywords: boolean;
  /** IMAP_ACL ≠ 0: only what CAPABILITY says. */
  readonly acl: boolean;
  /** IMAP_ID_FIELDS; undefined: no ID command. Bits 1 version, 2 os, 4 os-version. */
  readonly idFields: number | undefined;
  /** OUTBOX, a directory name with its dot (`.Outbox`); '' is not set. */
  readonly outbox: string;
  /** How what is put there is sent. */
  readonly submission: OutboxSettings;
  /** IMAP_MOVE_EXPUNGE_TO_TRASH ≠ 0. */
  readonly moveExpungeToTrash: boolean;
  /** IMAP_TRASHFOLDERNAME, a folder name below INBOX. */
  readonly trashFolder: string;
  /** IMAP_EMPTYTRASH as written; undefined is not set. */
  readonly emptyTrash: string | undefined;
  /** IMAP_LOG_DELETIONS is set and does not start with 0. */
  readonly logDeletions: boolean;
  /** IMAPDEBUGFILE; undefined: none. */
  readonly debugFile: string | undefined;
  readonly checkAllFolders: boolean;
  readonly obsoleteClient: boolean;
  readonly disableThreadSort: boolean;
  /** IMAP_COMPRESS. */
  readonly compress: boolean;
  /** IMAP_IDLE_TIMEOUT: how often IDLE looks by itself, for changes the system does not tell of. */
  readonly idlePollMs: number;
  readonly limits: ImapLimits;
}

export interface ImapLimits {
  /** Octets of one command line without its literals. */
  readonly lineOctets: number;
  /** Octets of one literal that is a command's argument, and of all of one command together. */
  readonly literalOctets: number;
  /** Octets of one APPEND literal. */
  readonly appendOctets: number;
  /** Nested parentheses, and SEARCH keys in one command. */
  readonly depth: number;
  readonly searchKeys: number;
  /** Commands a second, measured over ten seconds; a faster client waits. */
  readonly commandsPerSecond: number;
  /** Refused commands in a row before BYE. */
  readonly refusals: number;
  /** Without a command; then BYE. */
  readonly inactivityMs: number;
  /** Without an octet of a literal or a SASL reply that the server waits for. */
  readonly literalMs: number;
}

export const defaultImapSettings: ImapSessionSettings = {
  capability: 'IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE',
  capabilityTls: '',
  smapCapability: '',
  keywords: true,
  acl: true,
  idFields: undefined,
  debugFile: undefined,
  outbox: '',
  submission: {
    sendmail: '/usr/sbin/sendmail',
    smartHost: undefined,
    headerFrom: '',
    multipleSend: false,
    timeoutMs: 60_000,
  },
  moveExpungeToTrash: false,
  trashFolder: 'Trash',
  emptyTrash: undefined,
  logDeletions: false,
  checkAllFolders: false,
  obsoleteClient: false,
  disableThreadSort: false,
  compress: true,
  idlePollMs: 60_000,
  limits: {
    lineOctets: 65_536,
    literalOctets: 65_536,
    appendOctets: 1_073_741_824,
    depth: 50,
    searchKeys: 1000,
    commandsPerSecond: 5000,
    refusals: 10,
    inactivityMs: 1_800_000,
    literalMs: 60_000,
  },
};
