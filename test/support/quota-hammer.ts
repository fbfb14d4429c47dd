/**
 * A process that appends to one account with others until its quota is full: run with the maildir, a number of sessions
 * and how many messages each tries. Every third message is removed again. Prints how many were stored and stay.
 */
import { defaultMailboxesSettings, Mailboxes } from '../../src/access/mailboxes.ts';
import { MailError } from '../../src/base/mail-error.ts';
import { openAccount } from '../../src/store/account.ts';
import { testStoreSettings } from './temporary-account.ts';

const folders = ['INBOX', 'INBOX.a', 'INBOX.b'];

/** Appends from several sessions at once. @returns messages that were stored and stay */
export async function fillQuota(maildir: string, sessions: number, tries: number): Promise<number> {
  const kept = await Promise.all(Array.from({ length: sessions }, (_, i) => fill(maildir, i, tries)));
  return kept.reduce((sum, each) => sum + each, 0);
}

async function fill(maildir: string, session: number, tries: number): Promise<number> {
  const account = openAccount(maildir, testStoreSettings);
  const mailbox = await new Mailboxes(account, defaultMailboxesSettings).open(folders[session % 3]!, 'r');
  let kept = 0;
  try {
    for (let i = 0; i < tries; i++) {
      const message = await mailbox.startAppend();
      await message.write(Buffer.from(`session ${session} message ${i}\n`));
      try {
        const { uids } = await mailbox.commitAppends([message]);
        if (i % 3 === 2) await mailbox.expunge(uids);
        else kept++;
      } catch (error) {
        if (!(error instanceof MailError) || error.kind !== 'overQuota') throw error;
        message.abort();
      }
    }
  } finally {
    mailbox.close();
  }
  return kept;
}

if (process.argv[1] === import.meta.filename) {
  const [maildir = '', sessions, tries] = process.argv.slice(2);
  process.stdout.write(`${await fillQuota(maildir, Number(sessions), Number(tries))}\n`);
}
