import { MailError, type MailErrorKind } from '../base/mail-error.ts';

/** What a POP3 client reads behind `-ERR`. Response codes: RFC 2449 §8, RFC 3206. */
const texts = {
  notFound: '[SYS/PERM] There is no mailbox.',
  exists: 'It exists already.',
  noPermission: '[SYS/PERM] Permission denied.',
  readOnly: '[SYS/PERM] The mailbox is read-only.',
  overQuota: '[SYS/TEMP] No space left.',
  inUse: '[IN-USE] The mailbox is in use.',
  expunged: "Can't open the message file - it's gone!",
  tooBig: '[SYS/PERM] Too big.',
  invalidName: '[SYS/PERM] Invalid name.',
  cannot: '[SYS/PERM] Not possible.',
  unavailable: '[SYS/TEMP] Temporary problem, please try again later',
} as const satisfies Record<MailErrorKind, string>;

/** The text for an error; undefined for a bug, which the caller logs. */
export function refusalText(error: unknown): string | undefined {
  return error instanceof MailError ? texts[error.kind] : undefined;
}
