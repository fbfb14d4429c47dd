/** The server from outside: logins over every kind of connection, signals, processes that die. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { acceptedSocket, Conversation, password, socketsOf, TestServer } from './support.ts';

describe('one server', { timeout: 60_000 }, () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start();
  });
  after(() => server.stop());

  test('LOGIN, SELECT, LOGOUT in clear', async () => {
    const client = await Conversation.plain(server.ports.plain);
    assert.match(await client.until(/\r\n/), /^\* OK \[CAPABILITY .*STARTTLS.*\]/);
    assert.match(await client.login(), /l OK LOGIN Ok\./);
    assert.match(await client.command('s', 'SELECT INBOX'), /\* 0 EXISTS[\s\S]*s OK \[READ-WRITE\]/);
    client.send('x LOGOUT\r\n');
    assert.match(await client.rest(), /\* BYE .*\r\nx OK LOGOUT completed\r\n$/);
    await server.logged(/INFO: LOGIN, user=ann, ip=\[::ffff:127\.0\.0\.1\], port=\[\d+\], protocol=IMAP\n/);
    await server.logged(/INFO: LOGOUT, user=ann, ip=\[::ffff:127\.0\.0\.1\], .*time=\d+\n/);
  });

  test('LOGIN over TLS', async () => {
    const client = await Conversation.tls(server.ports.tls);
    const greeting = await client.until(/\r\n/);
    assert.doesNotMatch(greeting, /STARTTLS/);
    assert.match(await client.login(), /l OK/);
    client.close();
    await server.logged(/LOGIN, user=ann, .*, starttls=1\n/);
  });

  test('STARTTLS, and nothing sent before it counts', async () => {
    const client = await Conversation.plain(server.ports.plain);
    await client.until(/\r\n/);
    client.send(`a STARTTLS\r\nb LOGIN ann ${password}\r\n`);
    assert.match(await client.until(/\r\n/), /^a OK Begin SSL\/TLS negotiation now\.\r\n$/);
    const secure = await client.startTls();
    assert.doesNotMatch(await secure.command('c', 'CAPABILITY'), /^b /m);
    assert.match(await secure.command('d', 'SELECT INBOX'), /^d (NO|BAD)/m);
    assert.match(await secure.login(), /l OK/);
    secure.close();
  });

  test('a wrong password costs the client a second, and others nothing', async () => {
    const slow = await Conversation.plain(server.ports.plain);
    const begun = performance.now();
    slow.send('a LOGIN ann wrong\r\n');
    const other = await Conversation.plain(server.ports.plain);
    await other.login();
    assert.ok(performance.now() - begun < 900);
    assert.match(await slow.until(/^a .*\r\n/m), /a NO (\[AUTHENTICATIONFAILED\] )?Login failed\./);
    assert.ok(performance.now() - begun >= 900);
    await server.logged(/INFO: LOGIN FAILED, user=ann, ip=\[::ffff:127\.0\.0\.1\], port=\[\d+\]\n/);
    slow.close();
    other.close();
  });

  test('commands sent in one packet with LOGIN are answered in order', async () => {
    const client = await Conversation.plain(server.ports.plain);
    client.send(`a LOGIN ann ${password}\r\nb SELECT INBOX\r\nc NOOP\r\nd LOGOUT\r\n`);
    assert.match(await client.rest(), /a OK[\s\S]*b OK[\s\S]*c OK[\s\S]*d OK/);
  });

  test('handshakes that do not go on keep nobody waiting', async () => {
    const silent = Array.from({ length: 50 }, () => connect(server.ports.tls, '127.0.0.1'));
    for (const socket of silent) socket.write(Buffer.from([22, 3, 1]));
    const begun = performance.now();
    const client = await Conversation.tls(server.ports.tls);
    await client.login();
    assert.ok(performance.now() - begun < 2_000);
    client.close();
    for (const socket of silent) socket.destroy();
  });

  test('a certificate by name, and a new one without a restart', async () => {
    await server.makeCertificate('mail.example.org', '.mail.example.org');
    await server.makeCertificate('second.example');
    for (;;) {
      const client = await Conversation.tls(server.ports.tls);
      const name = client.certificateName;
      client.close();
      if (name === 'second.example') break;
      assert.equal(name, 'localhost');
    }
    const named = await Conversation.tls(server.ports.tls, { servername: 'MAIL.example.org' });
    assert.equal(named.certificateName, 'mail.example.org');
    named.close();
  });

  test('a worker that is killed takes only its own sessions along, and is replaced', async () => {
    const clients: Conversation[] = [];
    for (let i = 0; i < 12; i++) {
      const client = await Conversation.plain(server.ports.plain);
      await client.login();
      clients.push(client);
    }
    const [victim] = server.children('worker-main');
    const held = socketsOf(victim!);
    const expected = clients.map(({ socket }) =>
      held.has(acceptedSocket(server.ports.plain, socket.localPort!)) ? 'ended' : 'lives',
    );
    process.kill(victim!, 'SIGKILL');
    await server.logged(/ERR: worker \d ended \(SIGKILL\)/);
    const outcomes = await Promise.all(
      clients.map((client) =>
        client.command('n', 'NOOP').then(
          () => 'lives',
          () => 'ended',
        ),
      ),
    );
    const fresh = await Conversation.plain(server.ports.plain);
    assert.match(await fresh.login(), /l OK/);
    assert.deepEqual(outcomes, expected);
    while (server.children('worker-main').length < 2) await new Promise((resolve) => setImmediate(resolve));
    for (const client of [...clients, fresh]) client.close();
  });
});

describe('signals', { timeout: 60_000 }, () => {
  test('SIGTERM: clients are told BYE, the exit code is 0, the port is free', async () => {
    const server = await TestServer.start();
    const [plain, secure] = [
      await Conversation.plain(server.ports.plain),
      await Conversation.tls(server.ports.tls),
    ];
    await plain.login();
    await secure.login();
    const early = await Conversation.plain(server.ports.plain);
    await early.until(/\r\n/);
    server.signal('SIGTERM');
    for (const client of [plain, secure, early]) {
      assert.match(await client.rest(), /\* BYE Courier-IMAP server shut down by signal\.\r\n$/);
    }
    assert.equal(await server.ended(), 0);
    await assert.rejects(Conversation.plain(server.ports.plain), /ECONNREFUSED/);
    await server.stop();
  });

  test('SIGTERM while a client does not read ends in bounded time', async () => {
    const server = await TestServer.start();
    const client = await Conversation.plain(server.ports.plain);
    await client.login();
    client.socket.pause();
    server.signal('SIGTERM');
    const begun = performance.now();
    assert.equal(await server.ended(), 0);
    assert.ok(performance.now() - begun < 8_000);
    client.close();
    await server.stop();
  });

  test('SIGHUP: new settings for new connections, old connections go on', async () => {
    const server = await TestServer.start();
    const old = await Conversation.plain(server.ports.plain);
    await old.login();
    server.configure({ imapd: ['IMAP_CAPABILITY="IMAP4rev1 XCHANGED"'] });
    server.signal('SIGHUP');
    for (;;) {
      const client = await Conversation.plain(server.ports.plain);
      const greeting = await client.until(/\r\n/);
      client.close();
      if (greeting.includes('XCHANGED')) break;
    }
    assert.match(await old.command('n', 'NOOP'), /n OK/);
    await server.logged(/INFO: restarting authdaemond children\n/);
    old.close();
    await server.stop();
  });

  test('SIGHUP with a wrong value: the old settings stay in force, and the log says why', async () => {
    const server = await TestServer.start();
    server.configure({ imapd: ['MAXDAEMONS=many'] });
    server.signal('SIGHUP');
    await server.logged(/imapd:\d+: MAXDAEMONS: /);
    await server.logged(/old settings stay in force/);
    const client = await Conversation.plain(server.ports.plain);
    assert.match(await client.login(), /l OK/);
    client.close();
    await server.stop();
  });

  test('a port that is taken: the start fails and names it', async () => {
    const server = await TestServer.start();
    const second = new Promise((resolve, reject) => {
      TestServer.start([], { imapd: [`PORT=${server.ports.plain}`] }).then(reject, resolve);
    });
    assert.match(
      String(await second),
      new RegExp(`bind: 127\\.0\\.0\\.1\\.${server.ports.plain}: address already in use`),
    );
    await server.stop();
  });
});

describe('behind a load balancer', { timeout: 60_000 }, () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start(undefined, {
      imapd: ['TCPDOPTS="-nodnslookup -haproxy=2"', 'MAXPERIP=2'],
      'imapd-ssl': ['TCPDOPTS="-nodnslookup -haproxy=2"'],
    });
  });
  after(() => server.stop());

  test('the address of the PROXY header is logged, and counts', async () => {
    const clients: Conversation[] = [];
    for (const port of [1, 2, 3]) {
      const client = await Conversation.plain(server.ports.plain);
      client.send(`PROXY TCP4 192.0.2.7 198.51.100.1 ${port} 143\r\nn NOOP\r\n`);
      clients.push(client);
      if (port < 3) assert.match(await client.until(/^n .*\r\n/m), /n OK/);
      else assert.match(await client.rest(), /^\* BYE .*Too many connections from your address/);
    }
    await server.logged(/Connection, ip=\[::ffff:192\.0\.2\.7\], port=\[1\]/);
    for (const client of clients) client.close();
  });

  test('a connection without a header is closed, a silent one after the time limit, nobody waits', async () => {
    const silent = await Conversation.plain(server.ports.plain);
    const bare = await Conversation.plain(server.ports.plain);
    bare.send('a CAPABILITY\r\n');
    assert.equal(await bare.rest(), '');
    await server.logged(/ERR: haproxy: missing PROXY statement/);
    const client = await Conversation.plain(server.ports.plain);
    client.send('PROXY UNKNOWN\r\n');
    await client.until(/^\* OK/);
    assert.equal(await silent.rest(), '');
    await server.logged(/ERR: haproxy: timeout/);
    client.close();
  });

  test('version 2 in front of TLS', async () => {
    const socket = connect(server.ports.tls, '127.0.0.1');
    const header = '0d0a0d0a000d0a515549540a2111000cc0000208c633640100070391';
    socket.write(Buffer.from(header, 'hex'));
    const secure = await new Conversation(socket).startTls();
    assert.match(await secure.login(), /l OK/);
    await server.logged(/LOGIN, user=ann, ip=\[::ffff:192\.0\.2\.8\], port=\[7\], protocol=IMAP, starttls=1/);
    secure.close();
  });
});
