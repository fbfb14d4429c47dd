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
  const names = new Map(uids.map((uid) => [uid, view.folder.fileName(view.folder.rowOf(uid))]));
  for (const uid of await mailbox.expunge(uids)) {
    const path = Buffer.from(`${view.folder.directory}/cur/${names.get(uid)}`, 'latin1').toString();
    session.services.log.info(
      `EXPUNGED, user=${account.address}, ${peer(session.connection)}, old_name=${path}`,
    );
  }
}
