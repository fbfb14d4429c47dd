import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { AuthError } from './auth-error.ts';
import { createTokenChecker, type TokenSettings } from './tokens.ts';

const none: TokenSettings = {
  introspectionUrl: '',
  clientId: '',
  clientSecret: '',
  jwksUrl: '',
  issuer: '',
  audience: '',
  userClaim: 'email',
};

/** An endpoint on the loopback address; its answers by request. */
async function endpoint(
  t: TestContext,
  answer: (body: string, authorization: string) => unknown,
): Promise<string> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      const said = answer(body, request.headers.authorization ?? '');
      response.statusCode = said === undefined ? 500 : 200;
      response.end(JSON.stringify(said ?? {}));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const isTemporary = (error: unknown) => error instanceof AuthError && error.kind === 'temporary';
const soon = () => Math.floor(Date.now() / 1000) + 600;

test('an introspection endpoint says whose token it is', async (t) => {
  const introspectionUrl = await endpoint(t, (body, authorization) => {
    assert.equal(authorization, `Basic ${Buffer.from('me:p%20w').toString('base64')}`);
    const token = new URLSearchParams(body).get('token');
    if (token === 'good&x') return { active: true, email: 'fred@ex.com', exp: soon(), aud: ['mail'] };
    if (token === 'old') return { active: true, email: 'fred@ex.com', exp: soon() - 6000 };
    if (token === 'other') return { active: true, email: 'fred@ex.com', aud: 'web' };
    return token === 'down' ? undefined : { active: false, email: 'fred@ex.com' };
  });
  const tokens = createTokenChecker({
    ...none,
    introspectionUrl,
    clientId: 'me',
    clientSecret: 'p w',
    audience: 'mail',
  })!;
  assert.equal(await tokens.check('good&x'), 'fred@ex.com');
  for (const token of ['old', 'other', 'bad']) assert.equal(await tokens.check(token), undefined);
  await assert.rejects(tokens.check('down'), isTemporary);
});

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

function signed(key: KeyObject, header: Record<string, unknown>, claims: Record<string, unknown>): string {
  const text = `${part(header)}.${part(claims)}`;
  const hash = header['alg'] === 'EdDSA' ? null : 'sha256';
  return `${text}.${sign(hash, Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

const pairs = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: generateKeyPairSync('ed25519'),
};

test('signed tokens are checked with the published keys', async (t) => {
  const keys = Object.entries(pairs).map(([alg, { publicKey }]) => ({
    ...publicKey.export({ format: 'jwk' }),
    kid: alg,
    alg,
    use: 'sig',
  }));
  const jwksUrl = await endpoint(t, () => ({ keys }));
  const tokens = createTokenChecker({ ...none, jwksUrl, issuer: 'https://id.ex.com' })!;
  const claims = { iss: 'https://id.ex.com', email: 'fred@ex.com', exp: soon() };
  for (const [alg, { privateKey }] of Object.entries(pairs)) {
    const make = (changes: Record<string, unknown>, header: Record<string, unknown> = {}) =>
      signed(privateKey, { alg, kid: alg, ...header }, { ...claims, ...changes });
    assert.equal(await tokens.check(make({})), 'fred@ex.com', alg);
    assert.equal(await tokens.check(make({ iss: 'https://evil' })), undefined);
    assert.equal(await tokens.check(make({ exp: soon() - 6000 })), undefined);
    assert.equal(await tokens.check(make({ exp: undefined })), undefined);
    assert.equal(await tokens.check(make({ nbf: soon() })), undefined);
    assert.equal(await tokens.check(make({}, { kid: 'unknown' })), undefined);
    assert.equal(
      await tokens.check(make({}).replace(/\.[^.]+\./, `.${part({ ...claims, email: 'root' })}.`)),
      undefined,
    );
  }
  const unsigned = `${part({ alg: 'none' })}.${part(claims)}.`;
  assert.equal(await tokens.check(unsigned), undefined);
  const pem = pairs.RS256.publicKey.export({ type: 'spki', format: 'pem' });
  const confused = `${part({ alg: 'HS256', kid: 'RS256' })}.${part(claims)}`;
  assert.equal(
    await tokens.check(`${confused}.${createHmac('sha256', pem).update(confused).digest('base64url')}`),
    undefined,
  );
  for (const nonsense of ['', 'a', 'a.b.c', '...']) assert.equal(await tokens.check(nonsense), undefined);
});

test('an endpoint that does not answer is a temporary failure', async () => {
  const tokens = createTokenChecker({ ...none, introspectionUrl: 'http://127.0.0.1:1/' })!;
  await assert.rejects(tokens.check('x'), isTemporary);
});

test('tokens never go out in clear, and signed ones need an issuer', () => {
  assert.throws(() => createTokenChecker({ ...none, introspectionUrl: 'http://id.ex.com/' }), /https/);
  assert.throws(() => createTokenChecker({ ...none, jwksUrl: 'https://id.ex.com/' }), /OAUTH_ISSUER/);
  assert.equal(createTokenChecker(none), undefined);
});
