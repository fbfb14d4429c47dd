import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
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

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

test('writes of one turn, strings and octets, arrive in order', async () => {
  const { client, connection } = await pair();
  connection.write('a');
  connection.write(Buffer.from('b'));
  connection.write('\xe9');
  connection.end('d');
  assert.deepEqual(await readAll(client), Buffer.from('ab\xe9d', 'latin1'));
  assert.equal(connection.octetsWritten, 4);
});

test('what is flushed leaves in this turn', async () => {
  const { client, connection } = await pair();
  const socket = connection.stream as Socket;
  connection.write('a');
  connection.write('b');
  assert.equal(socket.bytesWritten, 0);
  connection.flush();
  assert.equal(socket.bytesWritten, 2);
  connection.end();
  assert.equal((await readAll(client)).toString(), 'ab');
});

test('a client that closes its side still gets the answer', async () => {
  const { client, connection } = await pair();
  let received = '';
  connection.onData((chunk) => {
    received += chunk.toString();
  });
  connection.onEnd(() => connection.end(`got ${received}`));
  client.end('question');
  assert.equal((await readAll(client)).toString(), 'got question');
  assert.equal(connection.octetsRead, 8);
});

test('a slow reader makes write answer false; drained resolves when it has read', async () => {
  const { client, connection } = await pair();
  client.pause();
  const block = Buffer.alloc(1 << 20, 'x');
  let written = 0;
  while (connection.write(block) && written < 1 << 28) written += block.length;
  assert.ok(written < 1 << 28);
  assert.ok(connection.pendingOctets > 0);
  const drained = connection.drained();
  client.resume();
  await drained;
  assert.ok(connection.pendingOctets < block.length);
  connection.destroy();
});

test('a lent buffer is given back once it may be overwritten, and not before', async () => {
  const { client, connection } = await pair();
  client.pause();
  const size = 1 << 20;
  const free: Buffer[] = [];
  let lent = 0;
  const lend = (fill: number) => {
    const buffer = free.pop() ?? Buffer.allocUnsafe(size);
    buffer.fill(fill);
    lent++;
    connection.writeLent(buffer, () => {
      lent--;
      free.push(buffer.fill(0));
    });
  };
  connection.write('head');
  for (let i = 1; i <= 20; i++) lend(i);
  assert.ok(lent > 0, 'the kernel cannot take so much');
  const received = readAll(client);
  await connection.drained();
  lend(21);
  connection.end('tail');
  const octets = await received;
  assert.equal(octets.toString('latin1', 0, 4), 'head');
  for (let i = 1; i <= 21; i++) {
    const from = 4 + (i - 1) * size;
    assert.ok(octets.subarray(from, from + size).every((octet) => octet === i));
  }
  assert.equal(octets.toString('latin1', 4 + 21 * size), 'tail');
  assert.equal(lent, 0);
});

test('buffers lent to a connection that breaks come back', async () => {
  const { client, connection } = await pair();
  client.pause();
  let lent = 20;
  const back = new Promise<void>((resolve) => {
    for (let i = 0; i < 20; i++) connection.writeLent(Buffer.alloc(1 << 20), () => --lent === 0 && resolve());
  });
  client.destroy();
  await back;
  connection.writeLent(Buffer.alloc(1), () => lent--);
  assert.equal(lent, -1);
});

test('drained resolves when the connection breaks', async () => {
  const { client, connection } = await pair();
  client.pause();
  const block = Buffer.alloc(1 << 20, 'x');
  while (connection.write(block));
  const closed = new Promise<void>((resolve) => connection.onClose(() => resolve()));
  const drained = connection.drained();
  client.destroy();
  await drained;
  await closed;
  assert.ok(connection.closed);
});

test('onClose is told once, with the error given to destroy', async () => {
  const { connection } = await pair();
  const reasons: (Error | undefined)[] = [];
  const closed = new Promise<void>((resolve) =>
    connection.onClose((error) => {
      reasons.push(error);
      resolve();
    }),
  );
  connection.destroy(new Error('why'));
  connection.destroy(new Error('again'));
  await closed;
  assert.deepEqual(
    reasons.map((error) => error?.message),
    ['why'],
  );
});
