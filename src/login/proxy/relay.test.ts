import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { startRelay } from './relay.ts';

interface Relayed {
  readonly client: Socket;
  readonly backend: Socket;
  /** The relay's own ends. */
  readonly toClient: Socket;
  readonly toBackend: Socket;
  readonly counted: { read: number; written: number };
  readonly ended: Promise<void>;
}

/** Two ends of a connection. */
async function pair(t: TestContext): Promise<[outer: Socket, inner: Socket]> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const outer = connect({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    allowHalfOpen: true,
  });
  const [[inner]] = (await Promise.all([once(server, 'connection'), once(outer, 'connect')])) as [
    [Socket],
    unknown,
  ];
  server.close();
  outer.on('error', () => undefined);
  t.after(() => {
    outer.destroy();
    inner.destroy();
  });
  return [outer, inner];
}

async function relayed(t: TestContext, before: (relayed: Socket) => void = () => {}): Promise<Relayed> {
  const [client, toClient] = await pair(t);
  const [backend, toBackend] = await pair(t);
  before(toBackend);
  const counted = { read: 0, written: 0 };
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  startRelay(
    toClient,
    toBackend,
    (read, written) => {
      counted.read += read;
      counted.written += written;
    },
    resolve,
  );
  return { client, backend, toClient, toBackend, counted, ended };
}

async function readAll(socket: Socket): Promise<number> {
  let octets = 0;
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) octets += (chunk as Buffer).length;
  return octets;
}

test('all that a back end sends arrives, although it closes at once', async (t) => {
  const { client, backend, counted, ended } = await relayed(t);
  backend.end(Buffer.alloc(8_000_000));
  assert.equal(await readAll(client), 8_000_000);
  client.end();
  backend.resume();
  await ended;
  assert.deepEqual(counted, { read: 0, written: 8_000_000 });
});

test('a client that has said all it has to say still gets the answer', async (t) => {
  const { client, backend, ended } = await relayed(t);
  client.end('LOGOUT');
  assert.equal(await readAll(backend), 6);
  backend.end('BYE');
  assert.equal(await readAll(client), 3);
  await ended;
});

test('a client that does not read stops its back end, and little is held for it', async (t) => {
  const { client, backend, toClient, toBackend } = await relayed(t);
  client.pause();
  const chunk = Buffer.alloc(1 << 20);
  // Until neither the kernel nor the relay takes more.
  const isStuck = () => toBackend.isPaused() && backend.writableLength > 0;
  while (!isStuck()) {
    if (backend.writableLength < chunk.length) backend.write(chunk);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(toClient.writableLength <= 262_144, `${toClient.writableLength} octets are held`);
  let octets = 0;
  client.on('data', (part) => {
    octets += part.length;
  });
  client.resume();
  backend.end();
  await once(client, 'end');
  assert.ok(octets >= chunk.length);
});

test('a back end that is gone before anything is relayed ends the session', async (t) => {
  const { client, ended } = await relayed(t, (toBackend) => toBackend.destroy());
  await ended;
  client.resume();
  await once(client, 'end');
});

for (const side of ['client', 'backend'] as const)
  test(`a connection that the ${side} breaks off ends the other`, async (t) => {
    const both = await relayed(t);
    const other = side === 'client' ? both.backend : both.client;
    other.resume();
    both[side].resetAndDestroy();
    await once(other, 'end');
    await both.ended;
    assert.ok(both.toClient.destroyed);
    assert.ok(both.toBackend.destroyed);
  });
