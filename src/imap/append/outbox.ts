/**
 * The Outbox (imap-server §14): what is put into that folder is sent first, then stored. A message that was sent and
 * could not be stored, or whose client has gone before it was told, is not sent again when it comes back.
 */
import type { OpenMailbox } from '../../access/open-mailbox.ts';
import { SubmissionError } from '../../outbox/submission.ts';
import { submit } from '../../outbox/submit.ts';
import type { OpenMessage } from '../../store/open-message.ts';
import { type Begun, beginSending, type OutboxEntry } from '../../store/outbox-journal.ts';
import { digestOf, spool } from '../../store/spool.ts';
import { Refused } from '../refused.ts';
import { no } from '../reply.ts';
import type { ImapSession } from '../session-loop.ts';
import type { Authenticated, Selected } from '../state.ts';

type LoggedIn = Authenticated | Selected;

/** Whether the mailbox is the account's own Outbox. */
export function isOutbox(
  { settings }: ImapSession,
  { mailboxes }: LoggedIn,
  { folder }: OpenMailbox,
): boolean {
  const { outbox } = settings;
  return outbox !== '' && folder.directory === `${mailboxes.account.maildir}/${outbox}`;
}

/** @throws {Refused} so many messages may not be sent by one command (OUTBOX_MULTIPLE_SEND) */
export function checkCount({ settings }: ImapSession, count: number): void {
  if (count > 1 && !settings.submission.multipleSend)
    throw new Refused(no('[ALERT] Only one message may be sent at a time.'));
}

/**
 * Sends messages one after the other, then stores them.
 * @param messages  opens each; closed here
 * @throws {Refused} a message was not accepted and nothing was stored, or it was sent and could not be stored
 */
export async function throughOutbox<T>(
  session: ImapSession,
  state: LoggedIn,
  messages: readonly (() => OpenMessage)[],
  store: () => Promise<T>,
): Promise<T> {
  const sent: OutboxEntry[] = [];
  try {
    for (const open of messages) sent.push(await sendOnce(session, state, open()));
  } catch (error) {
    throw sent.length === 0 ? error : partly(error, sent.length, messages.length);
  }
  const stored = await store().catch((error: unknown) => {
    session.services.log.error(`outbox: sent, and not stored: ${String(error)}`);
    throw new Refused(
      no(
        '[ALERT] The message has been sent, but it could not be stored. Save it again: it is not sent twice.',
      ),
    );
  });
  // A client that has gone will try again, and must not send it again.
  if (!session.mayBeGone) for (const entry of sent) entry.forget();
  return stored;
}

/** Those sent are not sent again when the client repeats the command. */
function partly(error: unknown, done: number, all: number): unknown {
  if (!(error instanceof Refused)) return error;
  return new Refused(
    no(`${error.reply.text} ${done} of ${all} messages have been sent, and none is stored.`),
  );
}

/** @throws {Refused} it was not accepted, or nobody knows whether it was */
async function sendOnce(session: ImapSession, state: LoggedIn, message: OpenMessage): Promise<OutboxEntry> {
  const { maildir, settings } = state.mailboxes.account;
  try {
    const begun = await beginSending(maildir, settings, await digestOf(message));
    return begun.kind === 'new'
      ? await sendNow(session, state, message, begun.entry)
      : earlier(session, begun);
  } finally {
    message.close();
  }
}

/** The message was here before. */
function earlier(session: ImapSession, begun: Exclude<Begun, { kind: 'new' }>): OutboxEntry {
  if (begun.kind === 'running')
    throw new Refused(no('[INUSE] This message is being sent at the moment. Try again later.'));
  if (begun.kind === 'unknown')
    throw new Refused(
      no(
        '[ALERT] The server stopped while it was sending this message, which may have been sent or not. ' +
          'Save it once more to send it again.',
      ),
    );
  session.writer.line('* OK [ALERT] This message had been sent already. It is stored, and not sent again.');
  return begun.entry;
}

async function sendNow(
  session: ImapSession,
  state: LoggedIn,
  message: OpenMessage,
  entry: OutboxEntry,
): Promise<OutboxEntry> {
  try {
    const refused = await send(session, state, message);
    for (const each of refused) session.writer.line(`* NO [ALERT] Not sent to ${printable(each)}`);
  } catch (error) {
    entry.forget();
    if (!(error instanceof SubmissionError)) throw error;
    throw new Refused(no(`[ALERT] Unable to send E-mail message: ${printable(error.message)}`));
  }
  await entry.sent();
  return entry;
}

/** @returns recipients the smart host refused. @throws {SubmissionError} it was not accepted */
async function send(
  { settings, connection, services }: ImapSession,
  { account, mailboxes }: LoggedIn,
  message: OpenMessage,
): Promise<readonly string[]> {
  const { submission } = settings;
  const sender = printable(submission.sender ?? account.address);
  const { maildir, settings: store } = mailboxes.account;
  const field = Buffer.from(`${submission.headerFrom}: ${sender}\n`);
  const whole = submission.headerFrom === '' ? message : await spool(maildir, store, field, message);
  const environment = {
    AUTHENTICATED: account.address,
    HOME: Buffer.from(account.home, 'latin1').toString(),
    TCPREMOTEIP: connection.remoteAddress,
    TCPREMOTEPORT: String(connection.remotePort),
  };
  try {
    const { descriptor } = whole;
    const submitted = await submit(
      { sender, user: account.address, descriptor, environment },
      submission,
      services.log,
    );
    return submitted.refused;
  } finally {
    if (whole !== message) whole.close();
  }
}

/** A reply is one line of ASCII. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}
