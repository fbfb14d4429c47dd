import type { OpenMailbox } from '../../access/open-mailbox.ts';
import { firstWithout, flag } from '../../store/flags.ts';
import { command } from '../command.ts';
import { flagsLine, permanentFlagsLine } from '../flag-texts.ts';
import { readMailbox } from '../parser/mailbox-name.ts';
import { ok, type Reply } from '../reply.ts';
import type { ImapSession } from '../session-loop.ts';
import type { Authenticated, Selected } from '../state.ts';
import { rightsLine } from '../tell-rights.ts';
import { View } from '../view.ts';

const refuse = {
  invalidName: 'Mailbox does not exist, or must be subscribed to.',
  unavailable: 'Unable to open this mailbox.',
} as const;

/** SELECT: RFC 9051 §6.3.2, imap-server §7.3. */
export const select = command({
  names: ['SELECT'],
  state: 'authenticated',
  refuse,
  parse: (args, _by, session) => readMailbox(args, session.utf8),
  run: (session, state, name) => open(session, state, name, false),
});

/** EXAMINE: RFC 9051 §6.3.3; changes nothing, not even recency. */
export const examine = command({
  names: ['EXAMINE'],
  state: 'authenticated',
  refuse,
  parse: (args, _by, session) => readMailbox(args, session.utf8),
  run: (session, state, name) => open(session, state, name, true),
});

async function open(
  session: ImapSession,
  state: Authenticated | Selected,
  name: string,
  readOnly: boolean,
): Promise<Reply> {
  const { account, mailboxes } = state;
  const previous = state.kind === 'selected' ? state.mailbox : undefined;
  session.state = { kind: 'authenticated', account, mailboxes };
  try {
    // Opened before the previous one is closed: selecting the same mailbox again costs next to nothing.
    const mailbox = await mailboxes.open(name, 'r', { readOnly });
    return enter(session, session.state, mailbox);
  } finally {
    previous?.close();
  }
}

function enter(session: ImapSession, { account, mailboxes }: Authenticated, mailbox: OpenMailbox): Reply {
  const { folder } = mailbox;
  const view = new View(folder, !mailbox.readOnly);
  session.state = { kind: 'selected', account, mailboxes, mailbox, view, savedResult: new Uint32Array(0) };
  if (session.ended) {
    session.unselect();
    return ok('');
  }
  const { writer, settings } = session;
  writer
    .line(flagsLine(folder))
    .line(permanentFlagsLine(folder, mailbox.readOnly, settings.keywords))
    .line(`* ${view.count} EXISTS`)
    .line(`* ${view.recentCount} RECENT`);
  const unseen = firstUnseen(view);
  if (unseen > 0) writer.line(`* OK [UNSEEN ${unseen}] Ok`);
  writer
    .line(`* OK [UIDVALIDITY ${folder.uidValidity}] Ok`)
    .line(`* OK [UIDNEXT ${folder.uidNext}] Ok`)
    .line(rightsLine(mailbox.rights));
  return ok(mailbox.readOnly ? '[READ-ONLY] Ok' : '[READ-WRITE] Ok');
}

/** The sequence number of the first message without \Seen; 0 if there is none. */
function firstUnseen({ folder, count }: View): number {
  return firstWithout(folder.flags, count, flag.seen) + 1;
}
