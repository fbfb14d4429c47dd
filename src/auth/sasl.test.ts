import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { startTestDaemon } from '../../test/support/auth-daemon.ts';
import { scramFinal } from '../../test/support/scram-client.ts';
import { type SaslContext, type SaslStep, startSasl } from './sasl.ts';

const base64 = (text: string | Buffer) => Buffer.from(text as string, 'latin1').toString('base64');
const decode = (step: SaslStep) => {
  assert.equal(step.kind, 'challenge');
  return Buffer.from((step as { base64: string }).base64, 'base64').toString('latin1');
};
/** The outcome in one word. */
const outcome = (step: SaslStep) => (step.kind === 'done' ? step.result.kind : step.kind);

async function start(t: TestContext, mechanism: string, more: Partial<SaslContext> = {}) {
  const { client } = await startTestDaemon(t, {
    tokens: { check: async (token) => (token === 'good' ? 'fred' : undefined) },
  });
  const context = { client, service: 'imap', peer: { remoteIp: '127.0.0.1' }, hostname: 'mx', ...more };
  const exchange = startSasl(mechanism, context);
  assert.ok(exchange);
  return exchange;
}

/** Lines of the client (undefined: no initial response), and how the exchange ends. */
const scripts: [string, string, (string | undefined)[], string][] = [
  ['PLAIN', 'with an initial response', [base64('\0fred\0secret')], 'accepted'],
  ['plain', 'after an empty challenge', [undefined, base64('\0fred\0secret')], 'accepted'],
  ['PLAIN', 'with its own id as authorization id', [base64('fred\0fred\0secret')], 'accepted'],
  ['PLAIN', "with somebody else's id", [base64('root\0fred\0secret')], 'error'],
  ['PLAIN', 'with a third NUL', [base64('\0fred\0secret\0')], 'error'],
  ['PLAIN', 'with one NUL', [base64('fred\0secret')], 'aborted'],
  ['PLAIN', 'with a wrong password', [base64('\0fred\0wrong')], 'rejected'],
  ['PLAIN', 'with a newline in the password', [base64('\0fred\0secret\nx')], 'rejected'],
  ['PLAIN', 'cancelled', [undefined, '*'], 'aborted'],
  ['PLAIN', 'not base64', [undefined, '!!!!'], 'aborted'],
  ['PLAIN', 'badly padded', ['AGZyZWQAc2VjcmV0='], 'aborted'],
  ['PLAIN', 'with an empty initial response', ['='], 'aborted'],
  ['LOGIN', 'with prompts', [undefined, base64('fred'), base64('secret')], 'accepted'],
  ['LOGIN', 'with the id at once', [base64('fred'), base64('secret')], 'accepted'],
  ['LOGIN', 'with a wrong password', [base64('fred'), base64('wrong')], 'rejected'],
  ['LOGIN', 'with an empty password', [base64('fred'), ''], 'rejected'],
  ['LOGIN', 'cancelled', [base64('fred'), '*'], 'aborted'],
  ['CRAM-MD5', 'with an initial response', [base64('fred x')], 'error'],
  ['CRAM-MD5', 'with nonsense', [undefined, base64('fred')], 'rejected'],
  ['EXTERNAL', 'without an identity', [undefined], 'error'],
  [
    'OAUTHBEARER',
    'with a good token',
    [base64('n,a=fred,\x01host=mx\x01port=143\x01auth=Bearer good\x01\x01')],
    'accepted',
  ],
  [
    'OAUTHBEARER',
    'with a bad token',
    [base64('n,a=fred,\x01auth=Bearer bad\x01\x01'), base64('\x01')],
    'rejected',
  ],
  [
    'OAUTHBEARER',
    "with somebody else's token",
    [base64('n,a=root,\x01auth=Bearer good\x01\x01'), base64('\x01')],
    'rejected',
  ],
  ['OAUTHBEARER', 'without a token', [base64('n,a=fred,\x01\x01')], 'aborted'],
  ['XOAUTH2', 'with a good token', [base64('user=fred\x01auth=Bearer good\x01\x01')], 'accepted'],
  ['XOAUTH2', 'with a bad token', [base64('user=fred\x01auth=Bearer bad\x01\x01'), ''], 'rejected'],
];
for (const [mechanism, name, lines, expected] of scripts) {
  test(`${mechanism} ${name}: ${expected}`, async (t) => {
    const exchange = await start(t, mechanism);
    let step: SaslStep | undefined;
    for (const line of lines) {
      if (step) assert.equal(step.kind, 'challenge');
      step = await exchange.step(line);
    }
    assert.equal(outcome(step!), expected);
  });
}

test('LOGIN prompts in the words clients expect', async (t) => {
  const exchange = await start(t, 'LOGIN');
  assert.deepEqual(await exchange.step(undefined), { kind: 'challenge', base64: 'VXNlcm5hbWU6' });
  assert.deepEqual(await exchange.step(base64('fred')), { kind: 'challenge', base64: 'UGFzc3dvcmQ6' });
  assert.equal(exchange.userId, 'fred');
});

for (const hash of ['md5', 'sha1', 'sha256']) {
  test(`CRAM-${hash.toUpperCase()} with the right and with a wrong password`, async (t) => {
    for (const [password, expected] of [
      ['secret', 'accepted'],
      ['wrong', 'rejected'],
    ] as const) {
      const exchange = await start(t, `CRAM-${hash.toUpperCase()}`);
      const challenge = decode(await exchange.step(undefined));
      assert.match(challenge, /^<[0-9A-F]{32}@mx>$/);
      const digest = createHmac(hash, password).update(challenge).digest('hex');
      assert.equal(outcome(await exchange.step(base64(`fred ${digest}`))), expected);
      assert.equal(exchange.userId, 'fred');
    }
  });
}

const external: [string, (string | undefined)[], string][] = [
  ['the identity itself', [base64('fred')], 'accepted'],
  ['no initial response', [undefined, ''], 'accepted'],
  ['an empty initial response', ['='], 'accepted'],
  ['another identity', [base64('root')], 'error'],
  ['undecodable', ['!'], 'aborted'],
];
for (const [name, lines, expected] of external) {
  test(`EXTERNAL with ${name}: ${expected}`, async (t) => {
    const exchange = await start(t, 'EXTERNAL', { externalIdentity: 'fred' });
    let step: SaslStep | undefined;
    for (const line of lines) step = await exchange.step(line);
    assert.equal(outcome(step!), expected);
  });
}

test('EXTERNAL of an identity without account is rejected', async (t) => {
  const exchange = await start(t, 'EXTERNAL', { externalIdentity: 'nobody@ex.com' });
  assert.equal(outcome(await exchange.step('=')), 'rejected');
});

interface ScramCase {
  readonly name: string;
  readonly mechanism: string;
  readonly user: string;
  readonly password: string;
  readonly gs2: string;
  readonly bindingSent?: string;
  readonly bindingHere?: string;
  readonly expected: string;
}
const binding = (name: string) => (name === 'tls-exporter' ? Buffer.from('channel') : undefined);
const scramCases: ScramCase[] = [
  {
    name: 'with stored keys',
    mechanism: 'SCRAM-SHA-256',
    user: 'scram',
    password: 'pencil',
    gs2: 'n,,',
    expected: 'accepted',
  },
  {
    name: 'with a wrong password',
    mechanism: 'SCRAM-SHA-256',
    user: 'scram',
    password: 'pen',
    gs2: 'n,,',
    expected: 'rejected',
  },
  {
    name: 'for an account without keys',
    mechanism: 'SCRAM-SHA-256',
    user: 'fred',
    password: 'secret',
    gs2: 'n,,',
    expected: 'rejected',
  },
  {
    name: 'for an unknown id',
    mechanism: 'SCRAM-SHA-256',
    user: 'nobody',
    password: 'x',
    gs2: 'n,,',
    expected: 'rejected',
  },
  {
    name: 'for the empty password',
    mechanism: 'SCRAM-SHA-256',
    user: 'nobody',
    password: '',
    gs2: 'n,,',
    expected: 'rejected',
  },
  {
    name: 'bound',
    mechanism: 'SCRAM-SHA-256-PLUS',
    user: 'scram',
    password: 'pencil',
    gs2: 'p=tls-exporter,,',
    bindingSent: 'channel',
    bindingHere: 'channel',
    expected: 'accepted',
  },
  {
    name: 'bound to another channel',
    mechanism: 'SCRAM-SHA-256-PLUS',
    user: 'scram',
    password: 'pencil',
    gs2: 'p=tls-exporter,,',
    bindingSent: 'other',
    bindingHere: 'channel',
    expected: 'error',
  },
  {
    name: 'with a lie in the binding',
    mechanism: 'SCRAM-SHA-256',
    user: 'scram',
    password: 'pencil',
    gs2: 'n,,',
    bindingSent: 'x',
    expected: 'error',
  },
];
for (const { name, mechanism, user, password, gs2, bindingSent = '', bindingHere, expected } of scramCases) {
  test(`${mechanism} ${name}: ${expected}`, async (t) => {
    const exchange = await start(t, mechanism, bindingHere ? { channelBinding: binding } : {});
    const bare = `n=${user},r=rOprNGfwEbeRWgbNEkqO`;
    const serverFirst = decode(await exchange.step(base64(gs2 + bare)));
    const { final, expected: signature } = scramFinal(
      bare,
      serverFirst,
      Buffer.from(gs2 + bindingSent),
      password,
    );
    const step = await exchange.step(base64(final));
    if (expected !== 'accepted') return assert.equal(outcome(step), expected);
    assert.equal(decode(step), signature);
    assert.equal(outcome(await exchange.step('')), 'accepted');
    assert.equal(exchange.userId, 'scram');
  });
}

test('SCRAM-SHA-256 with `y` where -PLUS was offered is a downgrade: refused', async (t) => {
  const exchange = await start(t, 'SCRAM-SHA-256', { channelBinding: binding, offersBinding: true });
  assert.equal(outcome(await exchange.step(base64('y,,n=scram,r=abc'))), 'error');
  const other = await start(t, 'SCRAM-SHA-256', { channelBinding: binding });
  assert.equal(outcome(await other.step(base64('y,,n=scram,r=abc'))), 'challenge');
});

test('SCRAM-SHA-256-PLUS with a binding that is not here is refused', async (t) => {
  const exchange = await start(t, 'SCRAM-SHA-256-PLUS', { channelBinding: binding });
  assert.equal(outcome(await exchange.step(base64('p=tls-unique,,n=scram,r=abc'))), 'error');
});

test('SCRAM gives an unknown id the same salt each time', async (t) => {
  const { client } = await startTestDaemon(t);
  const salt = async () => {
    const context = { client, service: 'imap', peer: {}, hostname: 'mx' };
    const exchange = startSasl('SCRAM-SHA-256', context)!;
    const serverFirst = decode(await exchange.step(base64('n,,n=nobody,r=abc')));
    exchange.close();
    return /s=([^,]+)/.exec(serverFirst)![1];
  };
  assert.equal(await salt(), await salt());
});

test('an unknown mechanism, or -PLUS without TLS, cannot be started', () => {
  const context = { client: {} as SaslContext['client'], service: 'imap', peer: {}, hostname: 'mx' };
  for (const name of ['DIGEST-MD5', '', 'constructor', 'SCRAM-SHA-256-PLUS']) {
    assert.equal(startSasl(name, context), undefined);
  }
});
