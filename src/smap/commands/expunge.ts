import { requireRight } from '../../access/rights.ts';
import { peer } from '../../login/log-lines.ts';
import { flag } from '../../store/flags.ts';
import { Slice } from '../../store/slices.ts';
import { type Ranges, takeSet } from '../framing.ts';
import { indexesOf } from '../message-set.ts';
import { syntaxError } from '../refused.ts';
import type { OpenFolder, SmapSession } from '../session.ts';
import { tellChanges } from '../updates.ts';

/** EXPUNGE: messages marked DELETED that the client knows, or those of a set whatever their flags (smap §5.4). */
export async function expunge(session: SmapSession, words: readonly string[]): Promise<string> {
  const open = session.folder;
  const set = takeSet(words);
  if (!set || set.rest.length > 0) throw syntaxError();
  const { mailbox } = open;
  requireRight(mailbox.rights, 'e', mailbox.name);
  if (set.ranges.length > 0) requireRight(mailbox.rights, 't', mailbox.name);
  const uids = await chosenUids(open, set.ranges);
  if (uids.length > 0) await expungeLogged(session, open, uids);
  await tellChanges(session, open);
  return 'Folder updated';
}

/** @param ranges  none: those marked DELETED */
async function chosenUids({ view }: OpenFolder, ranges: Ranges): Promise<number[]> {
  const { folder } = view;
  const isAll = ranges.length === 0;
  const slice = new Slice();
  const uids: number[] = [];
  for (const index of indexesOf(view, isAll ? [[1, view.count]] : ranges)) {
    const row = view.rowAt(index);
    if (row >= 0 && (!isAll || (folder.flags[row]! & flag.deleted) !== 0)) uids.push(view.uids[index]!);
    if (slice.isOver()) await slice.next();
  }
  return uids;
}

/** Logs each message if IMAP_LOG_DELETIONS says so. */
async function expungeLogged(session: SmapSession, { mailbox }: OpenFolder, uids: number[]): Promise<void> {
  const { folder } = mailbox;
  if (!session.settings.logDeletions) {
    await mailbox.expunge(uids);
    return;
  }
  const names = new Map(uids.map((uid) => [uid, folder.fileName(folder.rowOf(uid))]));
  for (const uid of await mailbox.expunge(uids)) {
    const path = Buffer.from(`${folder.directory}/cur/${names.get(uid)}`, 'latin1').toString();
    const who = `user=${session.account.address}, ${peer(session.link.connection)}`;
    session.services.log.info(`EXPUNGED, ${who}, old_name=${path}`);
  }
}
