import type { OpenMailbox } from '../../access/open-mailbox.ts';
import { Slice } from '../../store/slices.ts';
import { quoteWord } from '../framing.ts';
import { numberedUids, readSet } from '../message-set.ts';
import { folderName, requireOn } from '../path.ts';
import { syntaxError } from '../refused.ts';
import type { OpenFolder, SmapSession } from '../session.ts';
import { tellChanges } from '../updates.ts';

/** COPY set "" path (smap §5.7). */
export function copy(session: SmapSession, words: readonly string[]): Promise<string> {
  return transfer(session, words, (open, target, uids) => open.mailbox.copyTo(target, uids));
}

/** MOVE: the same, and the messages leave the open folder; rights e and t there. */
export async function move(session: SmapSession, words: readonly string[]): Promise<string> {
  const done = await transfer(session, words, (open, target, uids) => open.mailbox.moveTo(target, uids));
  await tellChanges(session, session.folder);
  return done;
}

type Transfer = (
  open: OpenFolder,
  target: OpenMailbox,
  uids: readonly number[],
) => ReturnType<OpenMailbox['copyTo']>;

async function transfer(session: SmapSession, words: readonly string[], run: Transfer): Promise<string> {
  const open = session.folder;
  const { ranges, rest } = readSet(words);
  if (ranges.length === 0 || rest[0] !== '') throw syntaxError();
  const name = folderName(rest.slice(1));
  requireOn(session.mailboxes, name, 'i');
  const target = await session.mailboxes.open(name, 'i');
  try {
    const messages = await numberedUids(open.view, ranges);
    const { pairs } = await run(
      open,
      target,
      messages.map(([, uid]) => uid),
    );
    await tellCopies(session, messages, new Map(pairs), target);
    return 'Messages copied.';
  } finally {
    target.close();
  }
}

async function tellCopies(
  session: SmapSession,
  messages: readonly (readonly [number: number, uid: number])[],
  copies: ReadonlyMap<number, number>,
  { folder }: OpenMailbox,
): Promise<void> {
  const { output } = session;
  const slice = new Slice();
  for (const [number, uid] of messages) {
    const row = folder.rowOf(copies.get(uid) ?? 0);
    if (row >= 0) output.line(`* COPY ${number} ${quoteWord(`NEWUID=${folder.baseName(row)}`)}`);
    if (output.full) await output.drained();
    if (slice.isOver()) await slice.next();
  }
}
