import { command } from '../command.ts';
import { ok } from '../reply.ts';

/** LOGOUT: RFC 9051 §6.1.3; old mail in Trash is purged now (imap-server §15). */
export const logout = command({
  names: ['LOGOUT'],
  state: 'any',
  parse: () => undefined,
  async run(session, state) {
    if (state.kind === 'authenticated' || state.kind === 'selected') {
      await state.mailboxes.emptyTrash(session.settings.emptyTrash);
    }
    session.writer.line('* BYE Courier-IMAP server shutting down');
    session.writeReply(ok('LOGOUT completed'));
    session.end('logout');
    return undefined;
  },
});
