/** Sends what ADD has collected for recipients (smap §5.8), once: through the Outbox's mailer and its journal. */
import { createHash } from 'node:crypto';
import { SubmissionError } from '../outbox/submission.ts';
import { submit } from '../outbox/submit.ts';
import type { Append } from '../store/append.ts';
import type { OpenMessage } from '../store/open-message.ts';
import { beginSending, type OutboxEntry } from '../store/outbox-journal.ts';
import { digestOf, spool } from '../store/spool.ts';
import { Refused } from './refused.ts';
import type { SmapSession } from './session.ts';

export interface Envelope {
  /** '' is the null sender; undefined: the account. */
  readonly sender: string | undefined;
  readonly recipients: readonly string[];
  readonly notify: string | undefined;
}

export interface Sent {
  readonly entry: OutboxEntry;
  /** Recipients that the smart host refused, with its reasons. */
  readonly refused: readonly string[];
}

/**
 * @returns what was sent; forget its entry when it has been stored
 * @throws {Refused} it was not accepted, or nobody knows whether it was
 */
export async function send(session: SmapSession, append: Append, envelope: Envelope): Promise<Sent> {
  const { maildir, settings } = session.mailboxes.account;
  const message = append.read();
  try {
    const begun = await beginSending(maildir, settings, await digest(message, envelope));
    if (begun.kind === 'running')
      throw new Refused('This message is being sent at the moment. Try again later.');
    if (begun.kind === 'unknown')
      throw new Refused(
        'The server stopped while it was sending this message, which may have been sent or not. ' +
          'Add it once more to send it again.',
      );
    if (begun.kind === 'sent') return { entry: begun.entry, refused: [] };
    return await sendNow(session, message, envelope, begun.entry);
  } finally {
    message.close();
  }
}

/** The same message to others is another one. */
async function digest(message: OpenMessage, { sender, recipients, notify }: Envelope): Promise<string> {
  const envelope = JSON.stringify([sender, recipients, notify]);
  return createHash('sha256')
    .update(`${await digestOf(message)}\n${envelope}`)
    .digest('hex');
}

async function sendNow(
  session: SmapSession,
  message: OpenMessage,
  envelope: Envelope,
  entry: OutboxEntry,
): Promise<Sent> {
  try {
    const refused = await hand(session, message, envelope);
    await entry.sent();
    return { entry, refused };
  } catch (error) {
    if (!(error instanceof SubmissionError)) throw error;
    entry.forget();
    throw new Refused(error.message.replace(/\p{Cc}/gu, '/').slice(0, 512));
  }
}

async function hand(
  { account, link, mailboxes, services, settings }: SmapSession,
  message: OpenMessage,
  { sender, recipients, notify }: Envelope,
): Promise<readonly string[]> {
  const { submission } = settings;
  const { maildir, settings: store } = mailboxes.account;
  const from = submission.sender ?? account.address;
  const field = Buffer.from(`${submission.headerFrom}: ${from.replace(/\p{Cc}/gu, '?')}\n`);
  const whole = submission.headerFrom === '' ? message : await spool(maildir, store, field, message);
  const environment = {
    AUTHENTICATED: account.address,
    HOME: Buffer.from(account.home, 'latin1').toString(),
    TCPREMOTEIP: link.connection.remoteAddress,
    TCPREMOTEPORT: String(link.connection.remotePort),
  };
  try {
    const { refused } = await submit(
      {
        sender: sender ?? from,
        recipients,
        notify,
        user: account.address,
        descriptor: whole.descriptor,
        environment,
      },
      submission,
      services.log,
    );
    return refused;
  } finally {
    if (whole !== message) whole.close();
  }
}
