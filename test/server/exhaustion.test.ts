/** A worker without descriptors left, and clients that do nothing. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { programMissing } from '../support/peers.ts';
import { Conversation, TestServer, workerUser } from './support.ts';

/** How a connection begins: greeted, or closed. */
async function beginning(port: number): Promise<{ socket: Socket; greeted: boolean }> {
  const socket = connect({ port, host: '127.0.0.1' });
  const greeted = new Promise<boolean>((resolve) => {
    socket.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1').startsWith('* OK')));
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
  return { socket, greeted: await greeted };
}

const spare = 12;

function gidOf(pid: number): number {
  return Number(/^Gid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]);
}

test('without descriptors new connections are closed, the others live, and later all is well again', {
  timeout: 60_000,
  skip: programMissing('prlimit', 'util-linux'),
}, async () => {
  const server = await TestServer.start([{ name: 'ann', uid: workerUser.uid }], { postrider: ['WORKERS=1'] });
  const [worker] = server.children('worker-main') as [number];
  const old = await Conversation.plain(server.ports.plain);
  await old.login();
  await old.command('s', 'SELECT INBOX');
  const most = readdirSync(`/proc/${worker}/fd`).length + spare;
  // As the worker's own user: nobody else may, in a container.
  const { uid } = workerUser;
  execFileSync('prlimit', ['--pid', String(worker), `--nofile=${most}:`], { uid, gid: gidOf(worker) });
  const begun: { socket: Socket; greeted: boolean }[] = [];
  for (let i = 0; i < 3 * spare; i++) begun.push(await beginning(server.ports.plain));
  const served = begun.filter(({ greeted }) => greeted).length;
  assert.ok(served > 0 && served < 2 * spare, `${served} served`);
  assert.match(await old.command('n', 'NOOP'), /^n OK/m);
  // What needs a descriptor is refused or works; the connection, and the worker, stay.
  assert.match(await old.command('a', 'EXAMINE INBOX'), /^a (OK|NO|BAD)/m);
  assert.match(await old.command('m', 'NOOP'), /^m OK/m);
  for (const { socket } of begun) socket.destroy();
  for (;;) {
    const { socket, greeted } = await beginning(server.ports.plain);
    socket.destroy();
    if (greeted) break;
  }
  const fresh = await Conversation.plain(server.ports.plain);
  assert.match(await fresh.login(), /^l OK/m);
  assert.match(await fresh.command('s', 'SELECT INBOX'), /^s OK/m);
  assert.deepEqual(server.children('worker-main'), [worker]);
  for (const client of [old, fresh]) client.close();
  await server.stop();
});

test('five hundred clients that say nothing, in clear and to TLS, keep nobody waiting', {
  timeout: 60_000,
}, async () => {
  const server = await TestServer.start();
  const silent: Socket[] = [];
  for (let i = 0; i < 500; i++) {
    const socket = connect({ port: i % 2 ? server.ports.plain : server.ports.tls, host: '127.0.0.1' });
    socket.on('error', () => {});
    silent.push(socket);
    if (i % 50 === 49) await once(socket, 'connect');
  }
  for (let i = 0; i < 5; i++) {
    const client = await Conversation.tls(server.ports.tls);
    assert.match(await client.login(), /^l OK/m);
    client.close();
  }
  for (const socket of silent) socket.destroy();
  await server.stop();
});

test('clients that are refused and stay do not use up descriptors, and have read why', {
  timeout: 60_000,
}, async () => {
  const server = await TestServer.start(undefined, { imapd: ['MAXPERIP=1'], postrider: ['WORKERS=1'] });
  const [worker] = server.children('worker-main') as [number];
  const first = await Conversation.plain(server.ports.plain);
  await first.until(/^\* OK/);
  const before = readdirSync(`/proc/${worker}/fd`).length;
  const refused: Conversation[] = [];
  for (let i = 0; i < 400; i++) {
    const socket = connect({ port: server.ports.plain, host: '127.0.0.1', allowHalfOpen: true });
    const client = new Conversation(socket);
    refused.push(client);
    assert.equal(await client.until(/\r\n/), '* BYE [ALERT] Too many connections from your address.\r\n');
  }
  const more = readdirSync(`/proc/${worker}/fd`).length - before;
  assert.ok(more < 150, `${more} descriptors`);
  for (const client of [first, ...refused]) client.close();
  await server.stop();
});
