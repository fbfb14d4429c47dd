/** The snapshots of one client in one folder (smap §6). */
import { MailError } from '../base/mail-error.ts';
import { readSnapshot, saveSnapshot as save } from '../store/snapshots.ts';
import { quoteWord } from './framing.ts';
import { octetsOf } from './output.ts';
import type { OpenFolder, SmapSession } from './session.ts';
import { tellDifferences } from './updates.ts';

export { tidySnapshots } from '../store/snapshots.ts';

/** Two snapshots are kept: the client may have missed the newest id. Ids are octets, '' is none. */
export interface SnapshotChain {
  id: string;
  previous: string;
  /** The client knows more, or other things, than the newest. */
  isStale: boolean;
}

/**
 * Saves what the client knows, which is all there is.
 * @returns the id as a word; undefined: it cannot be saved, which has been logged
 */
export async function saveSnapshot(
  session: SmapSession,
  { view }: OpenFolder,
  chain: SnapshotChain,
): Promise<string | undefined> {
  try {
    const id = await save(view.folder, chain.id, chain.previous);
    chain.previous = chain.id;
    chain.id = id;
    chain.isStale = false;
    return quoteWord(id);
  } catch (error) {
    if (!(error instanceof MailError)) throw error;
    session.services.log.warn(`snapshot of ${view.folder.directory}: ${error.message}`);
    return undefined;
  }
}

/** Tells what has changed since a snapshot. @returns false: it cannot be restored */
export async function restoreSnapshot(
  session: SmapSession,
  open: OpenFolder,
  chain: SnapshotChain,
  word: string,
): Promise<boolean> {
  const id = octetsOf(word);
  const snapshot = await readSnapshot(open.view.folder, id);
  if (snapshot === undefined) return false;
  chain.id = id;
  chain.previous = snapshot.previous;
  session.output.line(`* SNAPSHOTEXISTS ${quoteWord(id)}`);
  await tellDifferences(session, open, snapshot);
  return true;
}
