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

/** Texts in front of the reason where a command fails. */
const prefixes: Readonly<Record<string, string>> = {
  STATUS: 'Cannot read folder status: ',
  CREATE: 'Cannot create folder: ',
  MKDIR: 'Cannot create folder: ',
  RMDIR: 'Cannot create folder: ',
  DELETE: 'Cannot delete folder: ',
  RENAME: 'RENAME failed: ',
  OPEN: 'Cannot open the folder: ',
  SOPEN: 'Cannot open the folder: ',
  STORE: 'Cannot update folder status: ',
  COPY: 'Cannot copy messages: ',
  MOVE: 'Cannot copy messages: ',
  FETCH: 'Cannot retrieve message: ',
  SEARCH: 'SEARCH failed: ',
};

/** What follows `-ERR` after an error in a command; undefined for a bug, which the caller logs. */
export function refusalText(error: unknown, command: string): string | undefined {
  if (error instanceof AccessDenied) return `Access denied: ACL "${error.right}" is required`;
  if (!(error instanceof MailError)) return undefined;
  return (prefixes[command] ?? '') + texts[error.kind];
}
