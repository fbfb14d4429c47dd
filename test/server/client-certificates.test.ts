/** Logins by certificate: who is let in, and who is not (frontend-tls-ops §4). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { Authority, type ClientCertificate } from '../support/authority.ts';
import { Conversation, TestServer, workerUser } from './support.ts';

/** What becomes of a client with this certificate: logged in as somebody, no such login, or no session at all. */
async function attempt(server: TestServer, certificate: ClientCertificate | undefined): Promise<string> {
  let client: Conversation;
  try {
    client = await Conversation.tls(
      server.ports.tls,
      certificate && { cert: certificate.cert, key: certificate.key },
    );
    await client.until(/^\* OK.*\r\n/m);
  } catch {
    return 'no session';
  }
  const capabilities = await client.command('c', 'CAPABILITY');
  const answer = await client.command('a', 'AUTHENTICATE EXTERNAL =');
  const selected = /^a OK/m.test(answer) ? await client.command('s', 'SELECT INBOX') : '';
  client.close();
  if (/^s OK/m.test(selected)) return 'logged in';
  return /AUTH=EXTERNAL/.test(capabilities) ? 'refused' : 'not offered';
}

const byEmail = (address: string) =>
  [
    ['O', 'Test'],
    ['CN', 'Somebody'],
    ['E', address],
  ] as const;

/** One whose sessions run in the worker, and, for root, one whose sessions do not. */
const accounts = [
  { name: 'ann', uid: workerUser.uid },
  { name: 'far', uid: process.geteuid!() === 0 ? 50_002 : workerUser.uid },
];

/** So that one connection with the new settings means that all further ones have them. */
const oneWorker = ['WORKERS=1'];

describe('TLS_VERIFYPEER=PEER, TLS_EXTERNAL=email', { timeout: 60_000 }, () => {
  let server: TestServer;
  let authority: Authority;
  let stranger: Authority;
  before(async () => {
    authority = await Authority.make('Test authority');
    stranger = await Authority.make('Somebody else');
    server = await TestServer.start(accounts, {
      'imapd-ssl': ['TLS_VERIFYPEER=PEER', 'TLS_TRUSTCERTS=/nonexistent', 'TLS_EXTERNAL=email'],
      postrider: oneWorker,
    });
  });
  after(() => server.stop());

  const trust = async (revoked: readonly string[] = []) => {
    const directory = join(server.directory, 'etc/trusted');
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'authority.pem'), authority.pem);
    if (revoked.length > 0) writeFileSync(join(directory, 'revoked.pem'), await authority.revoke(revoked));
    server.configure({
      'imapd-ssl': ['TLS_VERIFYPEER=PEER', `TLS_TRUSTCERTS=${directory}`, 'TLS_EXTERNAL=email'],
      postrider: oneWorker,
    });
    server.signal('SIGHUP');
  };

  test('no authority is trusted unless it is named, not even those of the system', async () => {
    assert.equal(await attempt(server, await authority.issue(byEmail('ann'))), 'no session');
  });

  test('the right certificate, once its authority is trusted', async () => {
    await trust();
    const right = await authority.issue(byEmail('ann'));
    while ((await attempt(server, right)) === 'no session');
    assert.equal(await attempt(server, right), 'logged in');
  });

  for (const [name, subject, outcome] of [
    ['of an account of another uid', byEmail('far'), 'logged in'],
    ['of an account that does not exist', byEmail('nobody'), 'refused'],
    ['with the name in other letters', byEmail('Ann'), 'refused'],
    ['without the field', [['CN', 'ann']], 'not offered'],
    [
      'with the field twice: the last counts',
      [
        ['E', 'nobody'],
        ['E', 'ann'],
      ],
      'logged in',
    ],
  ] as const) {
    test(`a certificate ${name}: ${outcome}`, async () => {
      assert.equal(await attempt(server, await authority.issue(subject)), outcome);
    });
  }

  test('another authority, an ended certificate: no session', async () => {
    assert.equal(await attempt(server, await stranger.issue(byEmail('ann'))), 'no session');
    assert.equal(await attempt(server, await authority.issue(byEmail('ann'), -1)), 'no session');
  });

  test('no certificate: passwords work, EXTERNAL is not offered', async () => {
    assert.equal(await attempt(server, undefined), 'not offered');
    const client = await Conversation.tls(server.ports.tls);
    assert.match(await client.login(), /l OK/);
    client.close();
  });

  test('a revoked certificate: no session; others go on', async () => {
    const [bad, good] = [await authority.issue(byEmail('ann')), await authority.issue(byEmail('ann'))];
    assert.equal(await attempt(server, bad), 'logged in');
    const options = { cert: bad.cert, key: bad.key };
    const before = await Conversation.tls(server.ports.tls, options);
    const [session] = (await once(before.socket, 'session')) as [Buffer];
    const resumed = await Conversation.tls(server.ports.tls, { ...options, session });
    await resumed.until(/^\* OK/);
    assert.equal((resumed.socket as TLSSocket).isSessionReused(), true);
    for (const client of [before, resumed]) client.close();
    await trust([bad.serial]);
    while ((await attempt(server, bad)) === 'logged in');
    assert.equal(await attempt(server, bad), 'no session');
    // A session from before does not help: its certificate would not be looked at again.
    const late = Conversation.tls(server.ports.tls, { ...options, session }).then((client) =>
      client.until(/^\* OK/),
    );
    await assert.rejects(late);
    assert.equal(await attempt(server, good), 'logged in');
  });
});

test('REQUIREPEER: no certificate, no session', { timeout: 30_000 }, async () => {
  const server = await TestServer.start(undefined, { 'imapd-ssl': ['TLS_VERIFYPEER=REQUIREPEER'] });
  assert.equal(await attempt(server, undefined), 'no session');
  const plain = await Conversation.plain(server.ports.plain);
  assert.match(await plain.login(), /l OK/);
  plain.close();
  await server.stop();
});
