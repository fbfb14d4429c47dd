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
    const greeting = await client.until(/\r\n/).catch(() => 'refused');
    client.close();
    if (greeting === 'refused') break;
  }
  assert.match(await old.command('n', 'NOOP'), /n OK/);
  rmSync(join(server.directory, 'etc/imapaccess'));
  old.close();
  (await served(server)).close();
  await server.stop();
});

test('variables of the access file count for the connections it lets in', { timeout: 30_000 }, async () => {
  const name = 'ann@example.com';
  const server = await TestServer.start([{ name, uid: workerUser.uid }]);
  const plain = await Conversation.plain(server.ports.plain);
  assert.doesNotMatch(await plain.command('a', 'CAPABILITY'), /LOGINDISABLED/);
  assert.match(await plain.login('ann'), /l NO/);
  plain.close();
  const record = '127.0.0.1\tallow,IMAP_TLS_REQUIRED=1,DEFDOMAIN=@example.com\n';
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
  await server.stop();
});
