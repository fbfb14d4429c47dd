/** SASL at the whole server: what is offered where, and SCRAM bound to the TLS connection. */
import assert from 'node:assert/strict';
import { hash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { createPasswords } from '../../src/auth/passwords.ts';
import { scramFinal } from '../support/scram-client.ts';
import { Conversation, password, TestServer } from './support.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** The client's side of each binding, as OpenSSL and the certificate tell it. */
const bindings: [string, (socket: TLSSocket) => Buffer][] = [
  ['tls-exporter', (socket) => socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))],
  ['tls-server-end-point', (socket) => hash('sha256', socket.getPeerCertificate().raw, 'buffer')],
];

async function scram(client: Conversation, gs2: string, binding: Buffer): Promise<string> {
  const mechanism = gs2.startsWith('p=') ? 'SCRAM-SHA-256-PLUS' : 'SCRAM-SHA-256';
  const bare = 'n=ann,r=rOprNGfwEbeRWgbNEkqO';
  client.send(`s AUTHENTICATE ${mechanism} ${base64(gs2 + bare)}\r\n`);
  const first = await client.until(/^(?:\+ .*|s .*)\r\n/m);
  const challenge = /^\+ (.*)\r\n/m.exec(first)?.[1];
  if (challenge === undefined) return first;
  const serverFirst = Buffer.from(challenge, 'base64').toString();
  const sent = scramFinal(bare, serverFirst, Buffer.concat([Buffer.from(gs2), binding]), password);
  client.send(`${base64(sent.final)}\r\n`);
  const second = await client.until(/^(?:\+ .*|s .*)\r\n/m);
  const verifier = /^\+ (.*)\r\n/m.exec(second)?.[1];
  if (verifier === undefined) return second;
  assert.equal(Buffer.from(verifier, 'base64').toString(), sent.expected);
  client.send('\r\n');
  return client.until(/^s .*\r\n/m);
}

describe('SASL offers', { timeout: 60_000 }, () => {
  let server: TestServer;
  const capability = 'IMAP_CAPABILITY="IMAP4rev1 AUTH=PLAIN AUTH=CRAM-MD5 AUTH=SCRAM-SHA-256-PLUS"';
  before(async () => {
    server = await TestServer.start(undefined, { imapd: [capability] });
    const crypt = await createPasswords(1).hash(password, '{SCRAM-SHA-256}4096,AAAA,AAAA,AAAA');
    const { uid, gid } = { uid: process.getuid!() || 65534, gid: process.getgid!() || 65534 };
    const line = `ann\tuid=${uid}|gid=${gid}|home=${server.home('ann')}|systempw=${crypt}\n`;
    writeFileSync(join(server.directory, 'etc/userdb'), line, { mode: 0o600 });
  });
  after(() => server.stop());

  const greeting = async (client: Conversation) => client.until(/^\* OK .*\r\n/m);

  test('-PLUS is offered under TLS only', async () => {
    const plain = await Conversation.plain(server.ports.plain);
    const offered = await greeting(plain);
    assert.match(offered, / AUTH=PLAIN AUTH=CRAM-MD5 /);
    assert.doesNotMatch(offered, /PLUS/);
    plain.close();
    const secure = await Conversation.tls(server.ports.tls);
    assert.match(await greeting(secure), / AUTH=SCRAM-SHA-256-PLUS /);
    secure.close();
  });

  for (const [name, bindingOf] of bindings) {
    test(`SCRAM-SHA-256-PLUS with ${name} logs in`, async () => {
      const client = await Conversation.tls(server.ports.tls);
      await greeting(client);
      assert.match(await scram(client, `p=${name},,`, bindingOf(client.socket as TLSSocket)), /^s OK/m);
      client.close();
    });
    test(`SCRAM-SHA-256-PLUS with the ${name} of another connection does not`, async () => {
      const client = await Conversation.tls(server.ports.tls);
      await greeting(client);
      assert.match(await scram(client, `p=${name},,`, Buffer.alloc(32)), /^s NO/m);
      client.close();
    });
  }
  test('the certificate of the server is signed with SHA-256', async () => {
    const client = await Conversation.tls(server.ports.tls);
    const { raw } = (client.socket as TLSSocket).getPeerCertificate();
    assert.match(new X509Certificate(raw).signatureAlgorithm ?? '', /sha256/i);
    client.close();
  });
  test('tls-exporter needs TLS 1.3', async () => {
    const client = await Conversation.tls(server.ports.tls, { maxVersion: 'TLSv1.2' });
    await greeting(client);
    assert.match(await scram(client, 'p=tls-exporter,,', Buffer.alloc(32)), /^s NO/m);
    client.close();
  });
  test('SCRAM-SHA-256 without a binding logs in, unless the client was told of none', async () => {
    const client = await Conversation.tls(server.ports.tls);
    await greeting(client);
    assert.match(await scram(client, 'y,,', Buffer.alloc(0)), /^s NO/m);
    assert.match(await scram(client, 'n,,', Buffer.alloc(0)), /^s OK/m);
    client.close();
  });

  test('SIGHUP also has the authentication daemon read its settings', async () => {
    server.configure({ imapd: [capability], authdaemonrc: ['DEFAULTOPTIONS=disableimap=1'] });
    server.signal('SIGHUP');
    await server.logged(/restarting authdaemond children[\s\S]*Installation complete: authuserdb/);
    for (;;) {
      const client = await Conversation.tls(server.ports.tls);
      await greeting(client);
      client.send(`l LOGIN ann ${password}\r\n`);
      const answer = await client.until(/^(?:l |\* BYE ).*\r\n/m);
      client.close();
      if (!/^l OK/m.test(answer)) return;
    }
  });

  test('OAUTHBEARER and XOAUTH2 ask the configured endpoint', async (t) => {
    const asked: string[] = [];
    const endpoint = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => {
        asked.push(`${request.headers.authorization} ${body}`);
        const active = body.includes('token=t0ken-of-ann');
        response.end(JSON.stringify(active ? { active, email: 'ann' } : { active }));
      });
    });
    endpoint.listen(0, '127.0.0.1');
    await once(endpoint, 'listening');
    t.after(() => endpoint.close());
    const { port } = endpoint.address() as AddressInfo;
    const oauth = [
      `OAUTH_INTROSPECTION_URL=http://127.0.0.1:${port}/`,
      'OAUTH_CLIENT_ID=us',
      'OAUTH_CLIENT_SECRET=pw',
    ];
    const bearer = await TestServer.start(undefined, { postrider: oauth });
    t.after(() => bearer.stop());
    const client = await Conversation.tls(bearer.ports.tls);
    await greeting(client);
    for (const [mechanism, initial] of [
      ['OAUTHBEARER', 'n,a=ann,\x01host=mx\x01auth=Bearer other\x01\x01'],
      ['XOAUTH2', 'user=bob\x01auth=Bearer t0ken-of-ann\x01\x01'],
    ]) {
      client.send(`r AUTHENTICATE ${mechanism} ${base64(initial!)}\r\n`);
      assert.match(await client.until(/^\+ .*\r\n/m), /^\+ eyJzdGF0dXMi/m);
      client.send('AQ==\r\n');
      assert.match(await client.until(/^r .*\r\n/m), /^r NO/m);
    }
    for (const [mechanism, initial] of [
      ['OAUTHBEARER', 'n,a=ann,\x01host=mx\x01auth=Bearer t0ken-of-ann\x01\x01'],
      ['XOAUTH2', 'user=ann\x01auth=Bearer t0ken-of-ann\x01\x01'],
    ]) {
      const other = await Conversation.tls(bearer.ports.tls);
      await greeting(other);
      assert.match(await other.command('a', `AUTHENTICATE ${mechanism} ${base64(initial!)}`), /^a OK/m);
      other.close();
    }
    client.close();
    assert.ok(asked.every((text) => text.startsWith(`Basic ${base64('us:pw')} token=`)));
    assert.doesNotMatch(bearer.log, /t0ken/);
  });

  test('where TLS is required nothing is offered or accepted without it', async (t) => {
    const strict = await TestServer.start(undefined, {
      imapd: [capability],
      'imapd-ssl': ['IMAP_TLS_REQUIRED=1'],
    });
    t.after(() => strict.stop());
    const client = await Conversation.plain(strict.ports.plain);
    const offered = await greeting(client);
    assert.match(offered, / STARTTLS LOGINDISABLED /);
    assert.doesNotMatch(offered, /AUTH=/);
    assert.match(await client.login(), /^l NO/m);
    for (const mechanism of ['PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-256', 'OAUTHBEARER', 'XOAUTH2'])
      assert.match(await client.command(mechanism, `AUTHENTICATE ${mechanism}`), / NO \[PRIVACYREQUIRED\]/);
    assert.match(await client.command('t', 'STARTTLS'), /^t OK/m);
    const secure = await client.startTls();
    assert.match(
      await secure.command('c', 'CAPABILITY'),
      / AUTH=PLAIN AUTH=CRAM-MD5 AUTH=SCRAM-SHA-256-PLUS /,
    );
    assert.match(await secure.login(), /^l OK/m);
    secure.close();
  });
});
