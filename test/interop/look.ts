/** What the tests beside other servers put into mailboxes, and how they look at them. */
import type { ImapClient } from '../../bench/imap-client.ts';

/** A small message. */
export const message = (subject: string) =>
  Buffer.from(`From: ann@example.org\r\nSubject: ${subject}\r\n\r\nBody of ${subject}\r\n`);

/** What a client sees of a mailbox: UIDVALIDITY, then `UID flags subject` of every message. */
export async function look(client: ImapClient, mailbox = 'INBOX'): Promise<string[]> {
  const selected = (await client.run(`SELECT ${mailbox}`, true)).text;
  const uidValidity = /UIDVALIDITY \d+/.exec(selected)![0];
  if (/^\* 0 EXISTS/m.test(selected)) return [uidValidity];
  const { text } = await client.run('UID FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])', true);
  const messages = [...text.matchAll(/UID (\d+) FLAGS \(([^)]*)\)[\s\S]*?Subject: (.*?)\r\n/g)];
  return [
    uidValidity,
    ...messages.map(([, uid, flags, subject]) => `${uid} ${sortFlags(flags!)} ${subject}`),
  ];
}

function sortFlags(flags: string): string {
  return flags
    .split(' ')
    .filter((flag) => flag !== '' && flag !== '\\Recent')
    .sort()
    .join(' ');
}
