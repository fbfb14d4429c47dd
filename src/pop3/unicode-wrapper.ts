/** What a client without UTF8 gets in place of a message with 8-bit headers (pop3-proxy-options §2.8). */
import { randomBytes } from 'node:crypto';

export interface Wrapper {
  /** Wire octets before the message, and behind it (the message ends with a line end). */
  readonly head: Buffer;
  readonly tail: Buffer;
}

export function unicodeWrapper(messageType: string): Wrapper {
  const boundary = `=_${randomBytes(12).toString('hex')}`;
  const head = [
    'From: Mail Delivery Subsystem <postmaster>',
    'Subject: Cannot display Unicode content',
    'Mime-Version: 1.0',
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    '',
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'The header of this message is written in Unicode, which your mail program',
    'has not said it can read. The message is attached as it was received.',
    'A mail program with support for UTF-8 (RFC 6856) shows it directly.',
    '',
    `--${boundary}`,
    `Content-Type: ${messageType}`,
    'Content-Transfer-Encoding: 8bit',
    '',
    '',
  ];
  return {
    head: Buffer.from(head.join('\r\n'), 'latin1'),
    tail: Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1'),
  };
}
