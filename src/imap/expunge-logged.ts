import { peer } from '../login/log-lines.ts';
import type { ImapSession } from './session-loop.ts';
import type { Selected } from './state.ts';

/** Expunges, and logs each message if IMAP_LOG_DELETIONS says so (imap-server §15, §16). */
export async function expungeLogged(
  session: ImapSession,
  state: Selected,
  uids: readonly number[],
): Promise<void> {
  const { mailbox, view, account } = state;
  if (uids.length === 0) return;
  if (!session.settings.logDeletions) {
    await mailbox.expunge(uids);
    return;
  }
  const { folder } = view;
  const names = new Map(
    uids.map((uid) => [
      uid,
      {
        old: `${folder.directory}/cur/${folder.fileName(folder.rowOf(uid))}`,
        next: mailbox.trashPathOf(uid),
      },
    ]),
  );
  for (const uid of await mailbox.expunge(uids)) {
    const { old, next } = names.get(uid)!;
    const line = `EXPUNGED, user=${account.address}, ${peer(session.connection)}, old_name=${textOf(old)}`;
    // Courier says both, and programs that read the log know it so.
    if (next !== undefined) session.services.log.info(`${line}, new_name=${textOf(next)}`);
    session.services.log.info(line);
  }
}

function textOf(path: string): string {
  return Buffer.from(path, 'latin1').toString();
}
