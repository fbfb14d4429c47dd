/** Commands before login (pop3-proxy-options §2.3, §2.4). */
import type { AccountRecord } from '../auth/account-record.ts';
import { logoutBeforeLoginLine } from '../login/log-lines.ts';
import {
  type LoginResult,
  type LoginServices,
  type LoginTerms,
  type SaslExchange,
  tooManySessions,
} from '../login/services.ts';
import { capabilities, language, listing } from './capabilities.ts';
import type { CommandContext, Outcome } from './command.ts';

/** What the client has said so far. */
export interface LoginState {
  user: string | undefined;
  utf8: boolean;
  /** An AUTH exchange that waits for the client's next line. */
  exchange: SaslExchange | undefined;
}

export function newLoginState(): LoginState {
  return { user: undefined, utf8: false, exchange: undefined };
}

type LoginOutcome = Outcome | { kind: 'loggedIn'; account: AccountRecord };
type LoginCommand = (
  context: CommandContext,
  state: LoginState,
  argument: string,
) => LoginOutcome | Promise<LoginOutcome>;

const refusedClear: Outcome = { kind: 'reply', text: '-ERR [AUTH] TLS required to log in.' };

const commands: Readonly<Record<string, LoginCommand>> = {
  QUIT({ connection, services }) {
    services.log.info(logoutBeforeLoginLine(connection, 'POP3'));
    return { kind: 'end', text: '+OK Better luck next time.' };
  },
  CAPA: ({ connection, services }) =>
    reply(listing("+OK Here's what I can do:", capabilities(connection, services, false))),
  LANG: (_context, _state, argument) => reply(language(argument.trim())),
  UTF8(_context, state) {
    state.utf8 = true;
    return reply('+OK UTF8 enabled');
  },
  async STLS({ connection, login }, state) {
    if (!login.canStartTls(connection)) return reply('-ERR TLS support not available.');
    connection.write('+OK Begin SSL/TLS negotiation now.\r\n');
    await connection.startTls();
    Object.assign(state, newLoginState());
    return { kind: 'restart' };
  },
  USER({ connection, login }, state, argument) {
    if (argument === '') return reply('-ERR Invalid command.');
    if (login.needsTls(connection)) return refusedClear;
    state.user = argument;
    return reply('+OK Password required.');
  },
  async PASS({ connection, login }, state, argument) {
    if (state.user === undefined || argument === '') return reply('-ERR USER/PASS required.');
    if (login.needsTls(connection)) return refusedClear;
    const [user, password] = [text(state.user), text(argument)];
    const result = await login.authenticate(connection, { user, password }, termsOf(state));
    return settle(result, '-ERR [AUTH] Login failed.');
  },
  async AUTH({ connection, login }, state, argument) {
    const [mechanism, initial] = argument.trim().split(/[ \t]+/, 2);
    if (!mechanism) return reply('-ERR Invalid command.');
    if (login.needsTls(connection)) return refusedClear;
    const exchange = login.sasl(connection, mechanism.toUpperCase(), termsOf(state));
    if (!exchange) {
      const method = mechanism.toUpperCase();
      return settle(await login.refuse(connection, { method }), '-ERR [AUTH] Authentication failed.');
    }
    state.exchange = exchange;
    return continueAuth(state, initial);
  },
};

/** A line of a client that has not logged in. */
export async function loginCommand(
  context: CommandContext & { login: LoginServices },
  state: LoginState,
  line: string,
): Promise<LoginOutcome> {
  if (state.exchange) return continueAuth(state, line);
  const [, verb, argument] = /^[ \t]*([^ \t]*)[ \t]?(.*)$/s.exec(line)!;
  const command = commands[verb!.toUpperCase()];
  return command ? command(context, state, argument!) : reply('-ERR Invalid command.');
}

async function continueAuth(state: LoginState, line: string | undefined): Promise<LoginOutcome> {
  const exchange = state.exchange!;
  if (line?.startsWith('*')) {
    state.exchange = undefined;
    exchange.close();
    return reply('-ERR Authentication aborted.');
  }
  const step = await exchange.step(line);
  if (step.kind === 'challenge') return reply(`+ ${step.base64}`);
  state.exchange = undefined;
  return settle(step.result, '-ERR [AUTH] Authentication failed.');
}

function termsOf({ utf8 }: LoginState): LoginTerms {
  return { protocol: 'pop3', utf8 };
}

function settle(result: LoginResult, refusal: string): LoginOutcome {
  if (result.kind === 'accepted') return { kind: 'loggedIn', account: result.account };
  if (result.kind === 'rejected') return reply(refusal);
  if (result.kind === 'limited') return reply(`-ERR [SYS/TEMP] ${tooManySessions}`);
  if (result.kind === 'forbidden') return { kind: 'end', text: `-ERR [SYS/PERM] ${result.reason}` };
  return { kind: 'end', text: '-ERR [SYS/TEMP] Temporary problem, please try again later' };
}

function reply(line: string): Outcome {
  return { kind: 'reply', text: line };
}

/** What the client typed: octets of a line, as text. */
function text(octets: string): string {
  return Buffer.from(octets, 'latin1').toString('utf8');
}
