import { AccessDenied } from '../access/rights.ts';
import { MailError, type MailErrorKind } from '../base/mail-error.ts';

/** What an SMAP client reads where Courier shows the system's words (smap §4). */
const texts = {
  notFound: 'No such file or directory',
  exists: 'File exists',
  noPermission: 'Operation not permitted',
  readOnly: 'Operation not permitted',
  overQuota: 'No space left on device',
  inUse: 'Device or resource busy',
  expunged: 'No such file or directory',
  tooBig: 'File too large',
  invalidName: 'Invalid argument',
  cannot: 'Operation not permitted',
  unavailable: 'Input/output error',
} as const satisfies Record<MailErrorKind, string>;

/** The line for an error, `prefix` in front of the reason; undefined for a bug, which the caller logs. */
export function refusalText(error: unknown, prefix: string): string | undefined {
  if (error instanceof AccessDenied) return `Access denied: ACL "${error.right}" is required`;
  return error instanceof MailError ? prefix + texts[error.kind] : undefined;
}
