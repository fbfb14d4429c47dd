import { MailError } from '../../base/mail-error.ts';
import { command } from '../command.ts';
import { folderGone } from '../folder-gone.ts';
import { ok, syntaxError } from '../reply.ts';
import type { ImapSession } from '../session-loop.ts';
import type { Selected } from '../state.ts';
import { tellChanges } from '../updates.ts';

/** IDLE: RFC 2177, imap-server §13. Changes are told when they happen; any line ends it. */
export const idle = command({
  names: ['IDLE'],
  state: 'authenticated',
  changes: 'send',
  parse: () => undefined,
  async run(session, state) {
    const stop = state.kind === 'selected' ? push(session, state) : undefined;
    if (stop === undefined) session.writer.line('+ entering idle mode');
    try {
      const line = await session.nextLine(session.settings.limits.inactivityMs);
      const [word = ''] = line.toString('latin1').trim().split(/\s/);
      return word.toUpperCase() === 'DONE' ? ok('IDLE completed') : syntaxError('DONE expected');
    } finally {
      stop?.();
    }
  },
});

/** Tells changes at once, and from now on. @returns how to stop */
function push(session: ImapSession, state: Selected): () => void {
  let telling = false;
  let again = false;
  let stopped = false;
  const told = (): void => {
    telling = false;
    session.writer.flush();
    if (again && !stopped) tell();
  };
  const tell = (): void => {
    if (telling) {
      again = true;
      return;
    }
    again = false;
    telling = true;
    const waiting = tellChanges(session, state);
    if (waiting === undefined) told();
    else
      waiting.then(told, (error: unknown) => {
        telling = false;
        if (!(error instanceof MailError)) {
          session.services.log.error(`imap IDLE: ${error instanceof Error ? error.stack : String(error)}`);
        }
        if (state.mailbox.isGone) folderGone(session);
        else session.bye('[ALERT] The mailbox cannot be read any more.', 'disconnected');
      });
  };
  session.writer.line('+ entering ENHANCED idle mode');
  const { folder } = state.view;
  const unsubscribe = folder.onChange(tell);
  const polling = setInterval(() => folder.isDirty() && tell(), session.settings.idlePollMs);
  tell();
  return () => {
    stopped = true;
    clearInterval(polling);
    unsubscribe();
  };
}
