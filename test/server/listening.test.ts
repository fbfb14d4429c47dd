/** Where the server listens: both kinds of addresses, one of them, sockets that somebody else has bound. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { bindEndpoint, boundEndpoint } from '../../src/net/listen-handle.ts';
import { Conversation, TestServer } from './support.ts';

/** Undefined where nobody listens. */
async function connection(port: number, host: string): Promise<Socket | undefined> {
  const socket = connect({ port, host });
  try {
    await once(socket, 'connect');
    return socket;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error;
    return undefined;
  }
}

/** The greeting at an address, or the code of the error. */
async function greeting(port: number, host: string): Promise<string> {
  const socket = await connection(port, host);
  if (socket === undefined) return 'ECONNREFUSED';
  const client = new Conversation(socket);
  const text = await client.until(/\r\n/);
  client.close();
  return text.slice(0, 4);
}

for (const [address, reached, missed] of [
  ['0', ['127.0.0.1', '::1'], []],
  ['0.0.0.0', ['127.0.0.1'], ['::1']],
  ['::1', ['::1'], ['127.0.0.1']],
] as const) {
  test(`ADDRESS=${address} is ${reached.join(' and ')}`, { timeout: 30_000 }, async () => {
    const server = await TestServer.start(undefined, { imapd: [`ADDRESS=${address}`] });
    for (const host of reached) assert.equal(await greeting(server.ports.plain, host), '* OK');
    for (const host of missed) assert.equal(await greeting(server.ports.plain, host), 'ECONNREFUSED');
    await server.stop();
  });
}

test('a client is logged by one address, over whichever socket it comes', { timeout: 30_000 }, async () => {
  const server = await TestServer.start(undefined, { imapd: ['ADDRESS=0'] });
  await greeting(server.ports.plain, '127.0.0.1');
  await server.logged(/Connection, ip=\[::ffff:127\.0\.0\.1\]/);
  await greeting(server.ports.plain, '::1');
  await server.logged(/Connection, ip=\[::1\]/);
  await server.stop();
});

test('a list of ports with addresses; IMAPDSSLSTART=NO', { timeout: 30_000 }, async () => {
  const server = await TestServer.start(undefined, { 'imapd-ssl': ['IMAPDSSLSTART=NO'] });
  const { plain, tls } = server.ports;
  server.configure({ imapd: [`PORT=127.0.0.1.${plain},::1.${tls}`], 'imapd-ssl': ['IMAPDSSLSTART=NO'] });
  server.signal('SIGHUP');
  while ((await greeting(tls, '::1')) !== '* OK');
  assert.equal(await greeting(plain, '127.0.0.1'), '* OK');
  assert.equal(await greeting(tls, '127.0.0.1'), 'ECONNREFUSED');
  await server.stop();
});

test('sockets that are passed on (LISTEN_FDS) are used, others are told', { timeout: 30_000 }, async (t) => {
  const server = await TestServer.start();
  await server.end();
  const own = bindEndpoint({ address: '127.0.0.1', port: server.ports.plain });
  const foreign = bindEndpoint({ address: '127.0.0.1', port: 0 });
  const program = resolve(import.meta.dirname, '../../bin/postrider');
  const command = 'LISTEN_PID=$$ LISTEN_FDS=2 exec "$0" serve --foreground --config "$1"';
  const started = spawn('/bin/sh', ['-c', command, program, join(server.directory, 'etc')], {
    stdio: ['ignore', 'ignore', 'pipe', own.fd, foreign.fd],
  });
  t.after(() => {
    started.kill('SIGKILL');
    own.close();
    foreign.close();
  });
  let log = '';
  started.stderr!.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  // While the socket was bound here already nobody else could have bound it.
  while ((await greeting(server.ports.plain, '127.0.0.1')) !== '* OK');
  // The other ports are bound when the server has read its settings.
  let probe = await connection(server.ports.tls, '127.0.0.1');
  while (probe === undefined) probe = await connection(server.ports.tls, '127.0.0.1');
  probe.destroy();
  const secure = await Conversation.tls(server.ports.tls);
  await secure.until(/^\* OK/);
  secure.close();
  const { port } = boundEndpoint(foreign);
  assert.match(
    log,
    new RegExp(`WARN: the socket at 127\\.0\\.0\\.1\\.${port} that was passed on is none of ours`),
  );
  started.kill();
  const [code] = (await once(started, 'exit')) as [number];
  assert.equal(code, 0, log);
  await server.stop();
});
