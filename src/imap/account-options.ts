import type { AccountRecord } from '../auth/account-record.ts';
import { MailError } from '../base/mail-error.ts';
import type { Connection } from '../net/connection.ts';

/** Account options that forbid IMAP, told before the OK and not behind it (imap-server §5). @throws {MailError} */
export function checkAllowed({ options }: AccountRecord, connection: Connection): void {
  const isOn = (name: string): boolean => /^([1-9tTyY]|0+[1-9])/.test(options.get(name)?.at(-1) ?? '');
  if (isOn('disableimap')) throw new MailError('cannot', 'IMAP access disabled for this account.');
  if (isOn('disableinsecureimap') && !connection.secure) {
    throw new MailError('cannot', 'IMAP access disabled via insecure connection.');
  }
}
