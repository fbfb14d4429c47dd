import { type AccountRecord, optionIsSet } from '../auth/account-record.ts';
import { MailError } from '../base/mail-error.ts';
import type { Connection } from '../net/connection.ts';

/** Account options that forbid IMAP, told before the OK and not behind it (imap-server §5). @throws {MailError} */
export function checkAllowed({ options }: AccountRecord, connection: Connection): void {
  if (optionIsSet(options, 'disableimap'))
    throw new MailError('cannot', 'IMAP access disabled for this account.');
  if (optionIsSet(options, 'disableinsecureimap') && !connection.secure) {
    throw new MailError('cannot', 'IMAP access disabled via insecure connection.');
  }
}
