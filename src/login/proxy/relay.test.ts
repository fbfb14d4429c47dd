import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Intake } from './intake.ts';
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

/** Two ends of a connection; `from` is the one that has connected. */
async function pair(t: TestContext, intake?: Intake): Promise<[from: Socket, to: Socket]> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const from = connect({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    allowHalfOpen: true,
    ...(intake && { onread: intake.onread }),
  });
  const [[to]] = (await Promise.all([once(server, 'connection'), once(from, 'connect')])) as [
    [Socket],
    unknown,
  ];
  server.close();
  t.after(() => {
    from.destroy();
    to.destroy();
  });
  return [from, to];
}

async function relayed(
  t: TestContext,
  intake: Intake | undefined,
  before: (relayed: Socket) => void = () => {},
): Promise<Relayed> {
  const [client, toClient] = await pair(t);
  const [toBackend, backend] = await pair(t, intake);
  client.on('error', () => undefined);
  backend.on('error', () => undefined);
  before(toBackend);
  const counted = { read: 0, written: 0 };
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const count = (read: number, written: number) => {
    counted.read += read;
    counted.written += written;
  };
  startRelay(toClient, toBackend, intake, count, resolve);
  return { client, backend, toClient, toBackend, counted, ended };
}

async function readAll(socket: Socket): Promise<number> {
  let octets = 0;
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) octets += (chunk as Buffer).length;
  return octets;
}

for (const [how, intakeFor] of [
  ['out of the stream', () => undefined],
  ['out of memory that is used again', () => new Intake()],
] as const) {
  test(`all that a back end sends arrives, although it closes at once, ${how}`, async (t) => {
    const { client, backend, counted, ended } = await relayed(t, intakeFor());
    backend.end(Buffer.alloc(8_000_000));
    assert.equal(await readAll(client), 8_000_000);
    client.end();
    backend.resume();
    await ended;
    assert.deepEqual(counted, { read: 0, written: 8_000_000 });
  });

  test(`what arrives is what was sent, whatever the client's pace, ${how}`, async (t) => {
    const { client, backend } = await relayed(t, intakeFor());
    const sent = createHash('sha256');
    const received = createHash('sha256');
    let seed = 1;
    const random = (below: number) => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    client.on('data', (part) => {
      received.update(part);
      if (random(4) > 0) return;
      client.pause();
      setImmediate(() => client.resume());
    });
    for (let i = 0; i < 300; i++) {
      const chunk = Buffer.alloc(1 + random(random(3) === 0 ? 400_000 : 3000), `${seed} `);
      sent.update(chunk);
      if (!backend.write(chunk)) await once(backend, 'drain');
    }
    backend.end();
    await once(client, 'end');
    assert.equal(received.digest('hex'), sent.digest('hex'));
  });

  test(`a client that has said all it has to say still gets the answer, ${how}`, async (t) => {
    const { client, backend, ended } = await relayed(t, intakeFor());
    client.end('LOGOUT');
    assert.equal(await readAll(backend), 6);
    backend.end('BYE');
    assert.equal(await readAll(client), 3);
    await ended;
  });

  test(`a client that does not read stops its back end, and little is held for it, ${how}`, async (t) => {
    const { client, backend, toClient, counted } = await relayed(t, intakeFor());
    client.pause();
    const chunk = Buffer.alloc(1 << 20);
    // Until neither the kernel nor the relay takes more.
    for (let quiet = 0, before = -1; quiet < 50; quiet = before === counted.written ? quiet + 1 : 0) {
      before = counted.written;
      if (backend.writableLength < chunk.length) backend.write(chunk);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(backend.writableLength > 0);
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

  test(`a back end that is gone before anything is relayed ends the session, ${how}`, async (t) => {
    const { client, ended } = await relayed(t, intakeFor(), (toBackend) => toBackend.destroy());
    await ended;
    client.resume();
    await once(client, 'end');
  });

  for (const side of ['client', 'backend'] as const)
    test(`a connection that the ${side} breaks off ends the other, ${how}`, async (t) => {
      const both = await relayed(t, intakeFor());
      const other = side === 'client' ? both.backend : both.client;
      other.resume();
      both[side].resetAndDestroy();
      await once(other, 'end');
      await both.ended;
      assert.ok(both.toClient.destroyed);
      assert.ok(both.toBackend.destroyed);
    });
}
