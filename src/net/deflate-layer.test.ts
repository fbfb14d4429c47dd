import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { constants, createInflateRaw, deflateRawSync } from 'node:zlib';
import { StreamConnection } from './stream-connection.ts';

let server: Server;
const waiting: ((socket: Socket) => void)[] = [];

before(async () => {
  server = createServer({ allowHalfOpen: true }, (socket) => waiting.shift()!(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(() => server.close());

async function pair(): Promise<{ client: Socket; connection: StreamConnection }> {
  const accepted = new Promise<Socket>((resolve) => waiting.push(resolve));
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  const socket = await accepted;
  return { client, connection: new StreamConnection(socket, socket) };
}

function compressed(text: string | Buffer): Buffer {
  return deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH });
}

/** Reads clear octets up to `clear`, then inflates; resolves with the text once it ends in `last`. */
async function readUntil(client: Socket, clear: string, last: string): Promise<string> {
  const inflate = createInflateRaw({ finishFlush: constants.Z_SYNC_FLUSH });
  let text = '';
  let left = clear.length;
  client.on('data', (chunk: Buffer) => {
    if (left > 0) assert.equal(chunk.toString('latin1', 0, left), clear.slice(-left, clear.length));
    const clearOctets = Math.min(left, chunk.length);
    left -= clearOctets;
    inflate.write(chunk.subarray(clearOctets));
  });
  client.on('end', () => inflate.end());
  for await (const piece of inflate) {
    text += (piece as Buffer).toString('latin1');
    if (last !== '' && text.endsWith(last)) break;
  }
  return text;
}

test('both directions are compressed from the call on, and what was written before is clear', async () => {
  const { client, connection } = await pair();
  let received = '';
  connection.onData((chunk) => {
    received += chunk.toString();
    if (received.endsWith('three\r\n')) connection.write('got it\r\n');
  });
  connection.write('OK\r\n');
  connection.compress(compressed('one\r\n'));
  connection.write('a'.repeat(10_000));
  client.write(compressed('two\r\n'));
  client.write(compressed('three\r\n'));
  assert.equal(await readUntil(client, 'OK\r\n', 'got it\r\n'), `${'a'.repeat(10_000)}got it\r\n`);
  assert.equal(received, 'one\r\ntwo\r\nthree\r\n');
  assert.ok(client.bytesRead < 200, `${client.bytesRead} octets on the wire`);
  connection.destroy();
});

test('every write arrives without another behind it', async () => {
  const { client, connection } = await pair();
  connection.compress(Buffer.alloc(0));
  const inflate = createInflateRaw({ finishFlush: constants.Z_SYNC_FLUSH });
  client.pipe(inflate);
  for (const text of ['one', 'two', 'three']) {
    connection.write(text);
    assert.equal(String((await once(inflate, 'data'))[0]), text);
  }
  connection.destroy();
});

test('a client that closes its side in the middle of deflate still gets the answer', async () => {
  const { client, connection } = await pair();
  let received = '';
  connection.compress(Buffer.alloc(0));
  connection.onData((chunk) => {
    received += chunk.toString();
  });
  connection.onEnd(() => connection.end(`got ${received}`));
  client.end(compressed('question'));
  assert.equal(await readUntil(client, '', ''), 'got question');
});

test('64 MiB in 64 KiB come in small pieces, and stop while the session does not read', async () => {
  const { client, connection } = await pair();
  const total = 64 << 20;
  let largest = 0;
  let read = 0;
  let paused = () => {};
  const once64K = new Promise<void>((resolve) => {
    paused = resolve;
  });
  connection.compress(Buffer.alloc(0));
  connection.onData((chunk) => {
    largest = Math.max(largest, chunk.length);
    read += chunk.length;
    if (read >= 65_536 && read - chunk.length < 65_536) {
      connection.pause();
      paused();
    }
  });
  client.write(compressed(Buffer.alloc(total)));
  await once64K;
  // A later write of the server passes through the same pool: had inflating gone on, it would have gone on by then.
  const answer = once(client, 'data');
  connection.write('x');
  await answer;
  assert.equal(read, 65_536);
  connection.resume();
  while (read < total) await new Promise(setImmediate);
  assert.equal(read, total);
  assert.ok(largest <= 8192, `a piece of ${largest} octets`);
  connection.destroy();
});

test('octets that are no deflate end the connection with the error', async () => {
  const { client, connection } = await pair();
  const closed = new Promise<Error | undefined>((resolve) => connection.onClose(resolve));
  connection.compress(Buffer.alloc(0));
  connection.onData(() => {});
  client.write(Buffer.alloc(100, 0xff));
  assert.match(String(await closed), /invalid/);
});

test('a slow reader makes write answer false; drained resolves when it has read', async () => {
  const { client, connection } = await pair();
  client.pause();
  connection.compress(Buffer.alloc(0));
  const block = Buffer.alloc(65_536);
  for (let i = 0; i < block.length; i++) block[i] = (i * 2654435761) >>> 13;
  let written = 0;
  while (written < 1 << 28) {
    written += block.length;
    if (!connection.write(block) && connection.pendingOctets > 1 << 20) break;
  }
  assert.ok(written < 1 << 28);
  const drained = connection.drained();
  client.resume();
  await drained;
  assert.equal(connection.write('x'), true);
  connection.destroy();
});

test('a hundred connections take turns with fewer senders, and every client can read on', async () => {
  const pairs = await Promise.all(Array.from({ length: 100 }, pair));
  const texts = pairs.map(async ({ client }, i) => readUntil(client, '', `third ${i}`));
  for (const { connection } of pairs) connection.compress(Buffer.alloc(0));
  for (const word of ['first', 'second', 'third']) {
    pairs.forEach(({ connection }, i) => {
      connection.write(`${word} ${i}`);
    });
    await Promise.all(pairs.map(({ connection }) => connection.flushed()));
  }
  (await Promise.all(texts)).forEach((text, i) => {
    assert.equal(text, `first ${i}second ${i}third ${i}`);
  });
  for (const { connection } of pairs) connection.destroy();
});
