import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryConnection } from '../../test/support/memory-connection.ts';
import { type AccountRecord, parseOptions } from '../auth/account-record.ts';
import type { AuthClient, AuthResult } from '../auth/client.ts';
import { silentLog } from '../base/log.ts';
import { createLoginServices, type LoginSettings } from './login-services.ts';
import type { LoginProxy, ProxyResult } from './proxy/proxy.ts';

const settings: LoginSettings = {
  service: 'imap',
  defaultDomain: '',
  domainSeparators: '',
  serviceByPort: {},
  startTls: false,
  tlsRequired: false,
  loginTimeoutMs: 60_000,
  failureDelayMs: 1,
  hostname: 'test',
  offersBinding: false,
};

/** A login stage in which everything has happened that may go wrong, and what it did. */
function stage(
  choice: { options?: string; behind?: ProxyResult['kind']; claimed?: boolean; closes?: boolean } = {},
) {
  const { options = '', behind, claimed = true, closes = false } = choice;
  const did: string[] = [];
  const connection = new MemoryConnection(() => undefined);
  const account: AccountRecord = { address: 'ann', gid: 1, home: '/', options: parseOptions(options) };
  const client = {
    login: (): Promise<AuthResult> => Promise.resolve({ kind: 'accepted', account }),
  } as unknown as AuthClient;
  const proxy: LoginProxy = {
    logIn: () => {
      did.push('asked behind');
      if (closes) connection.destroy();
      if (behind !== 'away') return Promise.resolve({ kind: behind ?? 'local' });
      const login = {
        start: () => ({ stop: () => undefined }),
        abandon: () => void did.push('abandoned'),
      };
      return Promise.resolve({ kind: behind, login });
    },
    start: () => void did.push('relayed'),
  };
  const claim = () => {
    did.push('claimed');
    return claimed;
  };
  const place = () => {
    did.push('placed');
    return 'here' as const;
  };
  const counts = { accepted: 0, rejected: 0, limited: 0, temporary: 0 };
  const services = createLoginServices(settings, client, place, claim, behind && proxy, counts, silentLog);
  const logIn = async () => {
    const result = await services.authenticate(
      connection,
      { user: 'ann', password: 'p' },
      { protocol: 'imap' },
    );
    if (result.kind === 'accepted')
      services.handOver(connection, account, { protocol: 'imap', tag: 'a', leftover: Buffer.alloc(0) });
    return result.kind;
  };
  return { logIn, did, counts };
}

for (const [what, choice, kind, did, counted] of [
  ['without a proxy', {}, 'accepted', ['claimed', 'placed'], 'accepted'],
  ['whose mail is here', { behind: 'local' }, 'accepted', ['asked behind', 'claimed', 'placed'], 'accepted'],
  [
    'whose mail is elsewhere',
    { behind: 'away' },
    'accepted',
    ['asked behind', 'claimed', 'relayed'],
    'accepted',
  ],
  ['refused behind', { behind: 'rejected' }, 'rejected', ['asked behind'], 'rejected'],
  ['with nobody behind', { behind: 'temporary' }, 'temporary', ['asked behind'], 'temporary'],
  ['that is barred', { behind: 'away', options: 'disableimap' }, 'forbidden', [], 'rejected'],
  [
    'elsewhere with too many sessions',
    { behind: 'away', claimed: false },
    'limited',
    ['asked behind', 'claimed', 'abandoned'],
    'limited',
  ],
  [
    'elsewhere whose client has gone',
    { behind: 'away', closes: true },
    'temporary',
    ['asked behind', 'claimed', 'abandoned'],
    'accepted',
  ],
] as const)
  test(`an account ${what}: ${kind}`, async () => {
    const login = stage(choice);
    assert.equal(await login.logIn(), kind);
    assert.deepEqual(login.did, did);
    assert.deepEqual(login.counts, {
      ...{ accepted: 0, rejected: 0, limited: 0, temporary: 0 },
      [counted]: 1,
    });
  });
