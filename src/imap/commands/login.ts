import { command } from '../command.ts';
import { concludeLogin } from '../log-in.ts';
import { no } from '../reply.ts';

/** LOGIN: RFC 9051 §6.2.3; unquoted passwords may have brackets (imap-server §3). */
export const login = command({
  names: ['LOGIN'],
  state: 'notAuthenticated',
  parse: (args) => ({
    user: args.looseString().octets.toString(),
    password: args.looseString().octets.toString(),
  }),
  async run(session, _state, credentials) {
    const { connection, services } = session;
    if (services.login === undefined) return no('Login failed.');
    if (services.login.needsTls(connection)) return no('[PRIVACYREQUIRED] STARTTLS required');
    return concludeLogin(
      session,
      await services.login.authenticate(connection, credentials, { protocol: 'imap' }),
    );
  },
});
