import type { MailErrorKind } from '../base/mail-error.ts';

/** What a client is told where a command has no words of its own (imap-server §6, §7, §8; codes of RFC 5530). */
export const mailErrorTexts = {
  notFound: 'Mailbox does not exist, or must be subscribed to.',
  exists: 'Cannot create this folder.',
  noPermission: '[NOPERM] Access denied.',
  readOnly: 'Current box is selected READ-ONLY.',
  overQuota: '[OVERQUOTA] You exceeded your mail quota.',
  inUse: '[INUSE] Mailbox is in use.',
  expunged: '[EXPUNGEISSUED] The message has been removed.',
  tooBig: '[LIMIT] The message is too large.',
  invalidName: 'Invalid mailbox name.',
  cannot: 'Invalid argument',
  unavailable: '[ALERT] Unable to open this mailbox.',
} satisfies Record<MailErrorKind, string>;
