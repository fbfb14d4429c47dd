import { MailError } from '../../base/mail-error.ts';
import { folderName, requireOn } from '../path.ts';
import { Refused } from '../refused.ts';
import type { OpenFolder, SmapSession } from '../session.ts';
import { restoreSnapshot, type SnapshotChain, saveSnapshot, tidySnapshots } from '../snapshot-chain.ts';
import { tellChanges } from '../updates.ts';
import { View } from '../view.ts';

/** OPEN (smap §5.3); whatever happens, the folder that was open is closed. */
export async function open(session: SmapSession, path: readonly string[]): Promise<string> {
  const folder = await enter(session, path, undefined);
  session.output.line(`* EXISTS ${folder.view.count}`);
  return 'Folder opened';
}

/** SOPEN: only what has changed since a snapshot, if it can be restored (smap §6). */
export async function openWithSnapshot(
  session: SmapSession,
  [id = '', ...path]: readonly string[],
): Promise<string> {
  const chain: SnapshotChain = { id: '', previous: '', isStale: true };
  const folder = await enter(session, path, chain);
  if (id !== '' && (await restoreSnapshot(session, folder, chain, id))) return 'Folder updated';
  session.output.line(`* EXISTS ${folder.view.count}`);
  return 'Folder opened';
}

async function enter(
  session: SmapSession,
  path: readonly string[],
  snapshots: SnapshotChain | undefined,
): Promise<OpenFolder> {
  const { mailboxes, open: previous } = session;
  session.open = undefined;
  try {
    const name = nameToOpen(path);
    requireOn(mailboxes, name, 'r');
    // Opened before the previous one is closed: opening the same folder again costs next to nothing.
    const mailbox = await mailboxes.open(name, 'r');
    const opened = { mailbox, view: new View(mailbox.folder), snapshots };
    if (session.ended) mailbox.close();
    else session.open = opened;
    if (snapshots) tidySnapshots(mailbox.folder);
    return opened;
  } finally {
    previous?.mailbox.close();
  }
}

function nameToOpen(path: readonly string[]): string {
  try {
    return folderName(path);
  } catch (error) {
    if (error instanceof MailError) throw new Refused('Invalid folder: Invalid argument');
    throw error;
  }
}

/** CLOSE; nothing is expunged. */
export function close(session: SmapSession): string {
  session.closeFolder();
  return 'Folder closed';
}

/** NOOP: what has changed; where nothing has, a snapshot if one is due (smap §6). */
export async function noop(session: SmapSession): Promise<string> {
  const { open: folder, output } = session;
  if (!folder) return 'Folder updated';
  const told = await tellChanges(session, folder);
  if (!told && folder.snapshots?.isStale) {
    const id = await saveSnapshot(session, folder, folder.snapshots);
    if (id !== undefined) output.line(`* SNAPSHOT ${id}`);
  }
  return 'Folder updated';
}
