import { shownRights } from './rights.ts';
import type { ImapSession } from './session-loop.ts';

/** By rights, of which there are few. */
const lines = new Map<string, string>();

/** What SELECT says of the user's rights. */
export function rightsLine(rights: string): string {
  const line = lines.get(rights) ?? `* OK [MYRIGHTS "${shownRights(rights)}"] ACL`;
  lines.set(rights, line);
  return line;
}

/**
 * For commands that have looked at access control lists: says the rights in the selected mailbox again if they are others
 * now (quota-acl-shared §2.7). A mailbox that is open read-only stays so.
 */
export function tellRights(session: ImapSession): void {
  const { state } = session;
  if (state.kind !== 'selected' || !state.mailboxes.refreshRights(state.mailbox)) return;
  session.writer.line(rightsLine(state.mailbox.rights));
}
