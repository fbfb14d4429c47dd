/** What `openssl s_client` is told, and what scanners would look for. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { programMissing } from '../support/peers.ts';
import { acceptedSocket, Conversation, socketsOf, TestServer } from './support.ts';

const needsOpenssl = { skip: programMissing('openssl', 'openssl') };

/** What `openssl s_client` prints; the connection ends with the input, or when the server ends it. */
function client(port: number, options: string, input = ''): Promise<string> {
  const words = options.split(' ').filter(Boolean);
  const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...words], { stdio: 'pipe' });
  let printed = '';
  child.stdin.on('error', () => {});
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      printed += chunk.toString('latin1');
      // The input is for the session: commands of s_client itself (R) are looked for only then.
      if (printed.includes('* OK') || printed.includes('. OK')) child.stdin.end(input);
    });
  return new Promise((resolve) => child.on('close', () => resolve(printed)));
}

function makeRsaCertificate(path: string): void {
  const words = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=localhost', '-days', '2'];
  execFileSync('openssl', [...words, '-keyout', `${path}.key`, '-out', `${path}.new`], { stdio: 'ignore' });
  writeFileSync(`${path}.new`, readFileSync(`${path}.key`), { flag: 'a' });
  renameSync(`${path}.new`, path);
}

describe('as it is out of the box', { timeout: 60_000, ...needsOpenssl }, () => {
  let server: TestServer;
  before(async () => {
    // As the shipped settings have it.
    server = await TestServer.start(undefined, {
      'imapd-ssl': ['TLS_ALPN=imap'],
      postrider: ['WORKERS=1'],
    });
    // With RSA there are more old ciphers to refuse.
    makeRsaCertificate(join(server.directory, 'etc/imapd.pem'));
    while (!(await client(server.ports.tls, '-tls1_2')).includes('Cipher is ECDHE-RSA-'));
  });
  after(() => server.stop());

  for (const [what, options] of [
    ['TLS 1.0', '-tls1 -cipher ALL:@SECLEVEL=0'],
    ['TLS 1.1', '-tls1_1 -cipher ALL:@SECLEVEL=0'],
    ['no encryption', '-tls1_2 -cipher NULL:@SECLEVEL=0'],
    ['anonymous keys', '-tls1_2 -cipher ADH:AECDH:@SECLEVEL=0'],
    ['keys without forward secrecy', '-tls1_2 -cipher kRSA:@SECLEVEL=0'],
    ['CBC', '-tls1_2 -cipher ECDHE+AES:DHE+AES:!AESGCM:!AESCCM:@SECLEVEL=0'],
    ['pre-shared keys', '-tls1_2 -cipher PSK:@SECLEVEL=0 -psk 00'],
    ['SHA-1 signatures', '-tls1_2 -sigalgs RSA+SHA1:ECDSA+SHA1 -cipher ALL:@SECLEVEL=0'],
    ['an ALPN name of another protocol', '-alpn h2'],
  ] as const)
    test(`${what}: no session`, async () => {
      const printed = await client(server.ports.tls, options);
      assert.doesNotMatch(printed, /\* OK/);
      assert.match(
        printed,
        /(alert|no protocols available|no cipher match|unexpected eof|wrong version number)/i,
      );
    });

  for (const [what, options, expected] of [
    ['TLS 1.2', '-tls1_2', /Protocol *: TLSv1\.2[\s\S]*Cipher *: ECDHE-\S+-GCM-/],
    ['TLS 1.3', '-tls1_3', /New, TLSv1\.3, Cipher is TLS_AES_256_GCM_SHA384/],
    ['CHACHA20', '-tls1_2 -cipher CHACHA20', /Cipher is ECDHE-RSA-CHACHA20-POLY1305/],
    ['ALPN', '-alpn imap', /ALPN protocol: imap/],
    ['no ALPN', '', /No ALPN negotiated/],
    ['compression', '-tls1_2 -comp', /Compression: NONE/],
    ['secure renegotiation', '-tls1_2', /Secure Renegotiation IS supported/],
    [
      'fresh keys of a strong group',
      '-tls1_2',
      /Server Temp Key: X25519|Peer Temp Key: X25519|Negotiated TLS1\.3 group/,
    ],
    ['STARTTLS', '-starttls imap', /Verification|Verify return code/],
  ] as const)
    test(`${what}: ${expected.source}`, async () => {
      const printed = await client(
        server.ports[options.includes('starttls') ? 'plain' : 'tls'],
        options,
        'x LOGOUT\r\n',
      );
      assert.match(printed, expected);
    });

  test('a client cannot have keys made again', async () => {
    const printed = await client(server.ports.tls, '-tls1_2', 'R\nx NOOP\r\n');
    assert.match(printed, /RENEGOTIATING[\s\S]*no renegotiation/i);
    assert.doesNotMatch(printed, /x OK/);
  });

  test('an early close in the middle of the handshake costs nothing', async () => {
    for (let i = 0; i < 20; i++)
      connect({ port: server.ports.tls, host: '127.0.0.1' })
        .on('error', () => {})
        .destroy();
    const other = await Conversation.tls(server.ports.tls);
    assert.match(await other.login(), /l OK/);
    other.close();
  });
});

test('TLS_PROTOCOL=TLSv1 and TLS_CIPHER_LIST let old clients in', {
  timeout: 30_000,
  ...needsOpenssl,
}, async () => {
  const server = await TestServer.start(undefined, { 'imapd-ssl': ['TLS_PROTOCOL=TLSv1'] });
  const old = await client(server.ports.tls, '-tls1_1 -cipher ALL:@SECLEVEL=0', 'x LOGOUT\r\n');
  assert.match(old, /Protocol *: TLSv1\.1/);
  server.configure({ 'imapd-ssl': ['TLS_PROTOCOL=TLSv1.2', 'TLS_CIPHER_LIST=ECDHE-ECDSA-AES128-SHA256'] });
  server.signal('SIGHUP');
  for (;;) {
    const printed = await client(server.ports.tls, '-tls1_2', 'x LOGOUT\r\n');
    if (printed.includes('Cipher is ECDHE-ECDSA-AES128-SHA256')) break;
  }
  await server.stop();
});

/** A greeted connection, resumed if it can be. */
async function visit(port: number, session?: Buffer): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...(session && { session }) });
  const ticket = once(socket, 'session');
  await new Conversation(socket).until(/^\* OK/);
  // A resumed session gets no other ticket.
  if (!socket.isSessionReused()) await ticket;
  return socket;
}

test('a session that one worker began is resumed by the other', { timeout: 30_000 }, async () => {
  const server = await TestServer.start();
  const { tls } = server.ports;
  const [one, other] = server.children('worker-main') as [number, number];
  const heldBy = (pid: number, socket: TLSSocket) =>
    socketsOf(pid).has(acceptedSocket(tls, socket.localPort!));
  // A process that is stopped accepts nothing.
  process.kill(other, 'SIGSTOP');
  const first = await visit(tls);
  process.kill(other, 'SIGCONT');
  process.kill(one, 'SIGSTOP');
  const second = await visit(tls, first.getSession());
  process.kill(one, 'SIGCONT');
  assert.deepEqual([heldBy(one, first), first.isSessionReused()], [true, false]);
  assert.deepEqual([heldBy(other, second), second.isSessionReused()], [true, true]);
  for (const socket of [first, second]) socket.destroy();
  await server.stop();
});

test('a certificate by the local address, and the one by name before it', { timeout: 30_000 }, async () => {
  const server = await TestServer.start(undefined, {
    'imapd-ssl': ['SSLADDRESS=0'],
    postrider: ['WORKERS=1'],
  });
  await server.makeCertificate('by-address.example', '.127.0.0.9');
  await server.makeCertificate('by-address6.example', '.::1');
  await server.makeCertificate('by-name.example', '.by-name.example');
  const nameAt = async (host: string, servername?: string) => {
    const options = { host, ...(servername && { servername }) };
    const conversation = await Conversation.tls(server.ports.tls, options).catch(() => undefined);
    const name = conversation?.certificateName;
    conversation?.close();
    return name;
  };
  while ((await nameAt('127.0.0.9')) !== 'by-address.example');
  assert.equal(await nameAt('127.0.0.1'), 'localhost');
  assert.equal(await nameAt('::1'), 'by-address6.example');
  assert.equal(await nameAt('127.0.0.9', 'by-name.example'), 'by-name.example');
  assert.equal(await nameAt('127.0.0.9', 'other.example'), 'by-address.example');
  await server.stop();
});

for (const [how, lines] of [
  ['with STARTTLS offered', []],
  ['without a certificate', ['TLS_CERTFILE=/nonexistent']],
  ['with TLS turned off', ['COURIERTLS=']],
] as const)
  test(`IMAP_TLS_REQUIRED=1 ${how}: nobody logs in in clear`, { timeout: 30_000 }, async () => {
    const server = await TestServer.start(undefined, { 'imapd-ssl': ['IMAP_TLS_REQUIRED=1', ...lines] });
    const client = await Conversation.plain(server.ports.plain);
    const greeting = await client.until(/\r\n/);
    assert.equal(greeting.includes('STARTTLS'), how !== 'with TLS turned off', greeting);
    assert.match(await client.login(), /^l (NO|BAD)/m);
    const plain = Buffer.from('\0ann\0secret').toString('base64');
    assert.match(await client.command('a', `AUTHENTICATE PLAIN ${plain}`), /^a (NO|BAD)/m);
    assert.match(await client.command('s', 'SELECT INBOX'), /^s (NO|BAD)/m);
    if (how === 'without a certificate') {
      client.send('t STARTTLS\r\n');
      await client.rest();
    }
    client.close();
    await server.stop();
  });
