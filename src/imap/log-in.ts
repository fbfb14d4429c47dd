import { MailError } from '../base/mail-error.ts';
import { type LoginResult, tooManySessions } from '../login/services.ts';
import { no, ok, type Reply } from './reply.ts';
import type { ImapSession } from './session-loop.ts';

/** What follows an attempt to log in: the session, here or elsewhere, or the refusal. */
export async function concludeLogin(session: ImapSession, result: LoginResult): Promise<Reply | undefined> {
  if (result.kind === 'rejected') return no('Login failed.');
  if (result.kind === 'limited') return no(`[LIMIT] ${tooManySessions}`);
  if (result.kind === 'forbidden')
    return turnAway(session, result.reason, result.needsTls ? 'PRIVACYREQUIRED' : 'AUTHORIZATIONFAILED');
  if (result.kind === 'temporary')
    return turnAway(session, 'Temporary problem, please try again later', 'UNAVAILABLE');
  const { services, connection, reader, tag } = session;
  session.writer.flush();
  const leftover = reader.input.takeAll();
  const where = services.login?.handOver(connection, result.account, { protocol: 'imap', tag, leftover });
  if (where === 'away') {
    session.forget();
    return undefined;
  }
  reader.push(leftover);
  try {
    await session.enter(result.account);
  } catch (error) {
    if (!(error instanceof MailError)) throw error;
    return turnAway(session, error.message, 'UNAVAILABLE');
  }
  return ok('LOGIN Ok.');
}

/**
 * Ends the session of a client whose password may be right: Courier's clients look for the BYE, the others for the
 * reply to their command.
 */
export function turnAway(
  session: ImapSession,
  text: string,
  code: 'AUTHORIZATIONFAILED' | 'PRIVACYREQUIRED' | 'SERVERBUG' | 'UNAVAILABLE',
): undefined {
  session.bye(text, 'disconnected', no(`[${code}] ${text}`));
}
