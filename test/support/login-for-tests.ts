import type { LoginResult, LoginServices, SaslExchange } from '../../src/login/services.ts';
import { testAccount } from './imap-client.ts';

const passwords = new Map([
  ['ann', 'secret'],
  ['bo', 'q"u\\o te'],
]);

/** Knows `ann` with the password `secret`, `bo` with `q"u\o te`, and answers at once. STARTTLS is offered. */
export function loginForTests(options: { needsTls?: boolean; temporary?: boolean } = {}): LoginServices {
  const answer = (user: string, password: string): LoginResult => {
    if (options.temporary) return { kind: 'temporary' };
    const isRight = passwords.get(user) === password;
    return isRight ? { kind: 'accepted', account: testAccount } : { kind: 'rejected' };
  };
  return {
    loginTimeoutMs: 60_000,
    canStartTls: (connection) => !connection.secure,
    needsTls: (connection) => options.needsTls === true && !connection.secure,
    authenticate: (_connection, { user, password }) => Promise.resolve(answer(user, password)),
    sasl: (_connection, mechanism) => (mechanism === 'PLAIN' ? plain(answer) : undefined),
    refuse: () => Promise.resolve({ kind: 'rejected' }),
    handOver: () => 'here',
  };
}

function plain(answer: (user: string, password: string) => LoginResult): SaslExchange {
  return {
    step(line) {
      if (line === undefined) return Promise.resolve({ kind: 'challenge', base64: '' });
      const [, user = '', password = ''] = Buffer.from(line, 'base64').toString().split('\0');
      return Promise.resolve({ kind: 'done', result: answer(user, password) });
    },
    close() {},
  };
}
