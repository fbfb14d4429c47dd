/** What the front end does for POP3, over both kinds of ports. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { freePort } from '../support/private-server.ts';
import { Conversation, password, TestServer } from './support.ts';

describe('POP3', { timeout: 60_000 }, () => {
  let server: TestServer;
  let [plain, tls] = [0, 0];
  before(async () => {
    [plain, tls] = [await freePort(), await freePort()];
    server = await TestServer.start(undefined, {
      pop3d: ['ADDRESS=127.0.0.1', `PORT=${plain}`, 'MAXPERIP=3'],
      'pop3d-ssl': ['SSLADDRESS=127.0.0.1', `SSLPORT=${tls}`, 'TLS_VERIFYPEER=NONE', 'TLS_ALPN=pop3'],
      postrider: ['MAXPERACCOUNT=1'],
    });
  });
  after(() => server.stop());

  const open = async () => {
    const socket = connect({ port: plain, host: '127.0.0.1' });
    await once(socket, 'connect');
    return new Conversation(socket);
  };
  const capabilities = (client: Conversation) => {
    client.send('CAPA\r\n');
    return client.until(/^\.\r\n/m);
  };
  const logIn = async (client: Conversation) => {
    client.send(`USER ann\r\nPASS ${password}\r\n`);
    await client.until(/^\+OK.*\r\n/m);
    return client.until(/^(\+OK|-ERR).*\r\n/m);
  };

  test('STLS, and nothing sent before it counts', async () => {
    const client = await open();
    await client.until(/^\+OK.*\r\n/);
    client.send(`STLS\r\nUSER ann\r\nPASS ${password}\r\n`);
    assert.match(await client.until(/\r\n/), /^\+OK/);
    const secure = await client.startTls();
    secure.send('STAT\r\n');
    assert.match(await secure.until(/\r\n/), /^-ERR/);
    assert.doesNotMatch(await capabilities(secure), /STLS/);
    assert.match(await logIn(secure), /^\+OK/);
    secure.close();
    await server.logged(/LOGIN, user=ann, ip=\[::ffff:127\.0\.0\.1\], port=\[\d+\], stls=1\n/);
  });

  test('TLS from the beginning, with its own name in ALPN', async () => {
    const socket = connectTls({
      port: tls,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      ALPNProtocols: ['pop3'],
    });
    const client = new Conversation(socket);
    await client.until(/^\+OK.*\r\n/);
    assert.equal(socket.alpnProtocol, 'pop3');
    client.close();
    const other = connectTls({
      port: tls,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      ALPNProtocols: ['imap'],
    });
    const [error] = (await once(other, 'error')) as [Error];
    assert.match(error.message, /no application protocol/i);
  });

  test('a second session of the account, and a fourth connection, are told why', async () => {
    const clients = [await open(), await open()];
    for (const client of clients) await client.until(/^\+OK.*\r\n/);
    let answer = '';
    do answer = await logIn(clients[0]!);
    while (answer.startsWith('-ERR [SYS/TEMP]'));
    assert.match(answer, /^\+OK/);
    assert.equal(
      await logIn(clients[1]!),
      '-ERR [SYS/TEMP] Too many sessions of this account from your address.\r\n',
    );
    let line = '';
    while (line !== '-ERR [SYS/TEMP] Too many connections from your address.\r\n') {
      const client = await open();
      line = await client.until(/\r\n/);
      clients.push(client);
      assert.ok(clients.length <= 4, line);
    }
    for (const client of clients) client.close();
  });
});
