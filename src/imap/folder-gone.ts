import { no } from './reply.ts';
import type { ImapSession } from './session-loop.ts';

const text = 'The selected mailbox has been deleted or renamed.';

/** Ends a session whose selected mailbox somebody else has deleted or renamed, as RFC 2180 §3.3 and §3.4 allow. */
export function folderGone(session: ImapSession): undefined {
  session.bye(text, 'disconnected', no(`[NONEXISTENT] ${text}`));
}
