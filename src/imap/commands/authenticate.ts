import type { LoginResult, SaslExchange } from '../../login/services.ts';
import { command } from '../command.ts';
import { concludeLogin } from '../log-in.ts';
import { no } from '../reply.ts';
import type { ImapSession } from '../session-loop.ts';

/** AUTHENTICATE: RFC 9051 §6.2.2, with an initial response (RFC 4959). */
export const authenticate = command({
  names: ['AUTHENTICATE'],
  state: 'notAuthenticated',
  parse: (args) => ({
    mechanism: args.word(),
    initial: args.atEnd ? undefined : args.looseString().octets.toString('latin1'),
  }),
  async run(session, _state, { mechanism, initial }) {
    const { connection, services } = session;
    const { login } = services;
    if (login === undefined) return no('Login failed.');
    if (login.needsTls(connection)) return no('[PRIVACYREQUIRED] STARTTLS required');
    const exchange = login.sasl(connection, mechanism, { protocol: 'imap' });
    const result =
      exchange === undefined
        ? await login.refuse(connection, { method: mechanism })
        : await converse(session, exchange, initial);
    return concludeLogin(session, result);
  },
});

async function converse(
  session: ImapSession,
  exchange: SaslExchange,
  initial: string | undefined,
): Promise<LoginResult> {
  try {
    let line = initial;
    for (;;) {
      const step = await exchange.step(line);
      if (step.kind === 'done') return step.result;
      session.writer.line(`+ ${step.base64}`);
      line = (await session.nextLine(session.settings.limits.literalMs)).toString('latin1');
    }
  } finally {
    exchange.close();
  }
}
