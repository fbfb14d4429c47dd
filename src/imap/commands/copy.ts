import type { OpenMailbox } from '../../access/open-mailbox.ts';
import { formatNumberSet } from '../../base/number-set.ts';
import type { Copied } from '../../store/copy.ts';
import type { OpenMessage } from '../../store/open-message.ts';
import { turnAfter } from '../../store/slices.ts';
import { checkCount, isOutbox, throughOutbox } from '../append/outbox.ts';
import { command } from '../command.ts';
import { readMessageSet, resolveMessages, uidsOf } from '../message-set.ts';
import { readMailbox } from '../parser/mailbox-name.ts';
import { no, ok } from '../reply.ts';
import type { ImapSession } from '../session-loop.ts';
import type { Selected } from '../state.ts';

const refuse = {
  notFound: '[TRYCREATE] Mailbox does not exist.',
  invalidName: '[TRYCREATE] Mailbox does not exist.',
  unavailable: '[ALERT] COPY failed - no write permission or out of disk space.',
} as const;

/** COPY, UID COPY: RFC 9051 §6.4.7; COPYUID: RFC 4315 §3. */
export const copy = command({
  names: ['COPY', 'UID COPY'],
  state: 'selected',
  refuse,
  parse: (args, by, session) => ({
    messages: readMessageSet(args, by),
    target: readMailbox(args, session.utf8),
  }),
  async run(session, state, { messages, target }) {
    const uids = uidsOf(state, resolveMessages(session, state, messages));
    const to = await state.mailboxes.open(target, 'i');
    try {
      if (uids.length === 0) return ok('COPY completed.');
      const { uidValidity, pairs } = await sending(session, state, to, uids, true, () =>
        state.mailbox.copyTo(to, uids),
      );
      if (pairs.length === 0) return ok('COPY completed.');
      return ok(`[COPYUID ${copyUid(uidValidity, pairs)}] COPY completed.`);
    } finally {
      to.close();
    }
  },
});

/** MOVE, UID MOVE: RFC 6851; the untagged COPYUID, then EXPUNGE. */
export const move = command({
  names: ['MOVE', 'UID MOVE'],
  state: 'selected',
  changes: 'send',
  refuse: { ...refuse, unavailable: '[ALERT] MOVE failed - no write permission or out of disk space.' },
  parse: (args, by, session) => ({
    messages: readMessageSet(args, by),
    target: readMailbox(args, session.utf8),
  }),
  async run(session, state, { messages, target }) {
    if (state.mailbox.readOnly) return no('Current box is selected READ-ONLY.');
    const uids = uidsOf(state, resolveMessages(session, state, messages));
    const to = await state.mailboxes.open(target, 'i');
    try {
      if (uids.length === 0) return ok('MOVE completed.');
      const { uidValidity, pairs } = await sending(session, state, to, uids, false, () =>
        state.mailbox.moveTo(to, uids),
      );
      if (pairs.length > 0) session.writer.line(`* OK [COPYUID ${copyUid(uidValidity, pairs)}] Ok`);
      // What follows is a line for each that has left.
      await turnAfter(pairs.length);
      return ok('MOVE completed.');
    } finally {
      to.close();
    }
  },
});

/** What goes into the Outbox is sent first. @param adds  the account will have more messages than before */
async function sending(
  session: ImapSession,
  state: Selected,
  to: OpenMailbox,
  uids: readonly number[],
  adds: boolean,
  store: () => Promise<Copied>,
): Promise<Copied> {
  if (!isOutbox(session, state, to)) return store();
  checkCount(session, uids.length);
  const { folder } = state.mailbox;
  const messages = uids.map((uid) => () => folder.open(folder.rowOf(uid)));
  if (adds) await to.requireRoom(messages.map(sizeOf));
  return throughOutbox(session, state, messages, store);
}

function sizeOf(open: () => OpenMessage): { sizeOctets: number } {
  const message = open();
  message.close();
  return message;
}

function copyUid(uidValidity: number, pairs: readonly [number, number][]): string {
  const from = formatNumberSet(pairs.map((pair) => pair[0]));
  const to = formatNumberSet(pairs.map((pair) => pair[1]));
  return `${uidValidity} ${from} ${to}`;
}
