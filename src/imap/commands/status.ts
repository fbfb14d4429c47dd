import type { Mailboxes } from '../../access/mailboxes.ts';
import { MailError } from '../../base/mail-error.ts';
import { describe } from '../../store/describe.ts';
import type { FolderStatus } from '../../store/registry.ts';
import { Slice } from '../../store/slices.ts';
import { command } from '../command.ts';
import type { ArgumentReader } from '../parser/arguments.ts';
import { mailboxName, readMailbox } from '../parser/mailbox-name.ts';
import { ok } from '../reply.ts';
import { tellRights } from '../tell-rights.ts';

/** In the order of the answer; Courier's five first. */
const known = [
  'MESSAGES',
  'RECENT',
  'UIDNEXT',
  'UIDVALIDITY',
  'UNSEEN',
  'DELETED',
  'SIZE',
  'DELETED-STORAGE',
] as const;
type StatusItem = (typeof known)[number];

/** STATUS: RFC 9051 §6.3.11; SIZE: RFC 8438; DELETED-STORAGE: RFC 9208 §4.1.4. Unknown items are passed over (imap-server §7). */
export const status = command({
  names: ['STATUS'],
  state: 'authenticated',
  refuse: {
    invalidName: 'Mailbox does not exist, or must be subscribed to.',
    unavailable: '[ALERT] STATUS failed',
  },
  parse: (args, _by, session) => ({ name: readMailbox(args, session.utf8), items: readStatusItems(args) }),
  async run(session, { mailboxes }, { name, items }) {
    session.writer.line(await statusLine(mailboxes, name, items, session.utf8));
    tellRights(session);
    return ok('STATUS Completed.');
  },
});

export function readStatusItems(args: ArgumentReader): StatusItem[] {
  const words = new Set<string>();
  if (args.atList) args.list(() => words.add(args.word()));
  else words.add(args.word());
  return known.filter((item) => words.has(item));
}

/** @throws {MailError} notFound, noPermission, unavailable */
export async function statusLine(
  mailboxes: Mailboxes,
  name: string,
  items: readonly StatusItem[],
  utf8: boolean,
): Promise<string> {
  const counts = await mailboxes.status(name);
  const size = items.includes('SIZE') ? await mailboxSize(mailboxes, name) : 0;
  const deleted = items.includes('DELETED-STORAGE') ? await mailboxes.deletedOctets(name) : 0;
  const sizes = { SIZE: size, 'DELETED-STORAGE': Math.ceil(deleted / 1024) };
  const pairs = items.map((item) => `${item} ${countOf(item, counts, sizes)}`);
  return `* STATUS ${mailboxName(name, utf8)} (${pairs.join(' ')})`;
}

function countOf(
  item: StatusItem,
  counts: FolderStatus,
  sizes: Readonly<Record<'SIZE' | 'DELETED-STORAGE', number>>,
): number {
  switch (item) {
    case 'MESSAGES':
      return counts.messages;
    case 'RECENT':
      return counts.recent;
    case 'UIDNEXT':
      return counts.uidNext;
    case 'UIDVALIDITY':
      return counts.uidValidity;
    case 'UNSEEN':
      return counts.unseen;
    case 'DELETED':
      return counts.deleted;
    case 'SIZE':
    case 'DELETED-STORAGE':
      return sizes[item];
  }
}

/** The sum of the messages' RFC822.SIZE, in turns of a few milliseconds. */
async function mailboxSize(mailboxes: Mailboxes, name: string): Promise<number> {
  const mailbox = await mailboxes.open(name, 'r', { readOnly: true });
  try {
    const { folder } = mailbox;
    const { uids, count } = folder;
    let size = 0;
    const slice = new Slice();
    for (let i = 0; i < count; i++) {
      const row = folder.rowOf(uids[i]!);
      if (row < 0) continue;
      try {
        size += (await describe(folder, row)).wireOctets;
      } catch (error) {
        if (!(error instanceof MailError)) throw error; // gone, or unreadable: it counts as nothing
      }
      if (slice.isLong()) await slice.next();
    }
    return size;
  } finally {
    mailbox.close();
  }
}
