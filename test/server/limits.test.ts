/** Limits hold for all workers together, and who is refused reads why. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Conversation, TestServer, workerUser } from './support.ts';

async function open(server: TestServer, count: number): Promise<Conversation[]> {
  const clients: Conversation[] = [];
  for (let i = 0; i < count; i++) {
    const client = await Conversation.plain(server.ports.plain);
    assert.match(await client.until(/\r\n/), /^\* OK /, `connection ${i + 1}`);
    clients.push(client);
  }
  return clients;
}

/** So that what one connection sees after a change all further ones see. */
const oneWorker = ['WORKERS=1'];

/** Resolves when a new connection is served; those before it may have been too early. */
async function served(server: TestServer): Promise<Conversation> {
  for (;;) {
    const client = await Conversation.plain(server.ports.plain);
    const greeting = await client.until(/\r\n/).catch(() => '');
    if (greeting.startsWith('* OK ')) return client;
  }
}

describe('limits', { timeout: 60_000 }, () => {
  const accounts = [{ name: 'ann', uid: process.geteuid!() === 0 ? 50_001 : workerUser.uid }];

  test('MAXPERIP: exactly so many of one address, wherever their sessions run', async () => {
    const server = await TestServer.start(accounts, { imapd: ['MAXPERIP=5'], postrider: ['WORKERS=3'] });
    const clients = await open(server, 5);
    for (const client of clients) await client.login();
    const refused = await Conversation.plain(server.ports.plain);
    assert.equal(await refused.rest(), '* BYE [ALERT] Too many connections from your address.\r\n');
    await server.logged(/ERR: Maximum connection limit reached for ::ffff:127\.0\.0\.1\n/);
    clients[0]!.close();
    clients[0] = await served(server);
    const again = await Conversation.plain(server.ports.plain);
    assert.match(await again.rest(), /^\* BYE/);
    for (const client of clients) client.close();
    await server.stop();
  });

  test('MAXDAEMONS: exactly so many in all', async () => {
    const server = await TestServer.start(accounts, { imapd: ['MAXDAEMONS=4'] });
    const clients = await open(server, 4);
    const refused = await Conversation.plain(server.ports.plain);
    assert.equal(await refused.rest(), '* BYE [ALERT] Too many connections, try again later.\r\n');
    await server.logged(/ERR: 4 maximum active connections\.\n/);
    const other = await Conversation.tls(server.ports.tls);
    assert.match(await other.until(/\r\n/), /^\* OK /);
    for (const client of [...clients, other]) client.close();
    await server.stop();
  });

  test('MAXPERACCOUNT: an account has so many sessions from one address, whatever the port and worker', async () => {
    const both = [...accounts, { name: 'bob', uid: accounts[0]!.uid }];
    const server = await TestServer.start(both, { postrider: ['MAXPERACCOUNT=3', 'WORKERS=3'] });
    const clients = await open(server, 3);
    clients.push(await Conversation.tls(server.ports.tls));
    for (const client of clients.slice(0, 3)) assert.match(await client.login(), /^l OK/m);
    const tooMany = /^l NO \[LIMIT\] Too many sessions of this account from your address\.\r\n/m;
    assert.match(await clients[3]!.login(), tooMany);
    await server.logged(
      /WARN: Maximum session limit reached for user=ann, ip=\[::ffff:127\.0\.0\.1\], port=\[\d+\]\n/,
    );
    assert.match(await clients[3]!.login('bob'), /^l OK/m);
    const other = await Conversation.plain(server.ports.plain, '127.0.0.9');
    assert.match(await other.login(), /^l OK/m);
    clients[0]!.close();
    for (;;) {
      const client = await Conversation.plain(server.ports.plain);
      const answer = await client.login();
      if (/^l OK/m.test(answer)) break;
      assert.match(answer, tooMany);
      client.close();
    }
    for (const client of [...clients, other]) client.close();
    await server.stop();
  });

  test('-warn: from so many connections on the log says so, in whatever worker they are', async () => {
    const server = await TestServer.start(accounts, { imapd: ['TCPDOPTS="-nodnslookup -warn=4"'] });
    const clients = await open(server, 3);
    assert.doesNotMatch(server.log, /active connections/);
    clients.push(...(await open(server, 1)));
    await server.logged(/WARN: 4 active connections\.\n/);
    for (const client of clients) client.close();
    await server.stop();
  });

  test('a client on the TLS port is refused under TLS, and reads why', async () => {
    const server = await TestServer.start(accounts, { 'imapd-ssl': ['MAXPERIP=1'] });
    const first = await Conversation.tls(server.ports.tls);
    await first.until(/^\* OK/);
    const second = await Conversation.tls(server.ports.tls);
    assert.equal(await second.rest(), '* BYE [ALERT] Too many connections from your address.\r\n');
    first.close();
    await server.stop();
  });

  test('a burst of forty connections at once gets exactly the limit', async () => {
    const server = await TestServer.start(accounts, { imapd: ['MAXPERIP=7'] });
    const all = await Promise.all(Array.from({ length: 40 }, () => Conversation.plain(server.ports.plain)));
    const greetings = await Promise.all(all.map((client) => client.until(/\r\n/)));
    assert.equal(greetings.filter((line) => line.startsWith('* OK ')).length, 7);
    for (const client of all) client.close();
    await server.stop();
  });
});

test('a changed access file counts at once, for new connections', { timeout: 30_000 }, async () => {
  const server = await TestServer.start();
  const old = await Conversation.plain(server.ports.plain);
  await old.login();
  writeFileSync(join(server.directory, 'etc/imapaccess'), '127.0.0\tdeny\n');
  for (;;) {
    const client = await Conversation.plain(server.ports.plain);
    const greeting = await client.until(/\r\n/);
    client.close();
    if (greeting === '* BYE [ALERT] Connections from your address are not served here.\r\n') break;
    assert.match(greeting, /^\* OK/);
  }
  assert.match(await old.command('n', 'NOOP'), /n OK/);
  rmSync(join(server.directory, 'etc/imapaccess'));
  old.close();
  (await served(server)).close();
  await server.stop();
});

test('variables of the access file count for the connections it lets in', { timeout: 30_000 }, async () => {
  const name = 'ann@example.com';
  const server = await TestServer.start([{ name, uid: workerUser.uid }], { postrider: oneWorker });
  const plain = await Conversation.plain(server.ports.plain);
  assert.doesNotMatch(await plain.command('a', 'CAPABILITY'), /LOGINDISABLED/);
  assert.match(await plain.login('ann'), /l NO/);
  plain.close();
  const record = '127.0.0.1\tallow,IMAP_TLS_REQUIRED=1,DEFDOMAIN=@example.com,DOMAINSEP=%\n';
  writeFileSync(join(server.directory, 'etc/imapaccess'), record);
  server.signal('SIGHUP');
  for (;;) {
    const client = await Conversation.plain(server.ports.plain);
    const capability = await client.command('a', 'CAPABILITY');
    client.close();
    if (capability.includes('LOGINDISABLED')) break;
  }
  const secure = await Conversation.tls(server.ports.tls);
  assert.match(await secure.login('ann'), /l OK/);
  secure.close();
  const whole = await Conversation.tls(server.ports.tls);
  assert.match(await whole.login(name), /l NO/, 'a % would show a domain, @ does not');
  whole.close();
  await server.stop();
});

test('-accesslocal: records of the local address and port count, those of the client before them', {
  timeout: 30_000,
}, async () => {
  const server = await TestServer.start(undefined, {
    imapd: ['TCPDOPTS="-nodnslookup -accesslocal"'],
    postrider: oneWorker,
  });
  await server.makeCertificate('other.example', '.for-others');
  const { plain, tls } = server.ports;
  const records = [
    `*.${plain}\tallow,IMAP_CAPABILITY=IMAP4rev1 XLOCAL,DEFDOMAIN=@x`,
    `*.${tls}\tdeny`,
    '127.0.0.9\tallow,IMAP_CAPABILITY=IMAP4rev1 XREMOTE',
    `127.0.0.8\tallow,TLS_CERTFILE=${server.directory}/etc/imapd.pem.for-others`,
  ];
  writeFileSync(join(server.directory, 'etc/imapaccess'), `${records.join('\n')}\n`);
  server.configure({
    imapd: ['TCPDOPTS="-nodnslookup -accesslocal \'-denymsg=Not here\'"', 'DEFDOMAIN=@y'],
    postrider: oneWorker,
  });
  server.signal('SIGHUP');
  for (;;) {
    const client = await Conversation.plain(plain);
    const greeting = await client.until(/\r\n/);
    client.close();
    if (greeting.includes('XLOCAL')) break;
  }
  const other = await Conversation.plain(plain, '127.0.0.9');
  assert.match(await other.until(/\r\n/), /XREMOTE/);
  const named = await Conversation.plain(plain, '127.0.0.8');
  await named.command('a', 'STARTTLS');
  const secure = await named.startTls();
  assert.equal(secure.certificateName, 'other.example');
  for (const client of [other, secure]) client.close();
  await server.stop();
});

test('-denymsg is what those who are refused read; MAXPERACCOUNT may differ by address', {
  timeout: 30_000,
}, async () => {
  const server = await TestServer.start(undefined, {
    imapd: ['TCPDOPTS="-nodnslookup \'-denymsg=Go away\'"'],
  });
  const records = '127.0.0.9\tdeny\n127.0.0.8\tallow,MAXPERACCOUNT=1\n';
  writeFileSync(join(server.directory, 'etc/imapaccess'), records);
  const { plain } = server.ports;
  for (;;) {
    const client = await Conversation.plain(plain, '127.0.0.9');
    const line = await client.until(/\n/);
    client.close();
    if (line === 'Go away\n') break;
    assert.match(line, /^\* OK/);
  }
  // One worker knows; the other may not yet.
  for (;;) {
    const clients = [
      await Conversation.plain(plain, '127.0.0.8'),
      await Conversation.plain(plain, '127.0.0.8'),
    ];
    const answers = [await clients[0]!.login(), await clients[1]!.login()];
    for (const client of clients) client.close();
    assert.match(answers[0]!, /^l (OK|NO \[LIMIT\])/m);
    if (/^l OK/m.test(answers[0]!) && /^l NO \[LIMIT\]/m.test(answers[1]!)) break;
  }
  await server.stop();
});
