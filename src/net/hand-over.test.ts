import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { releaseConnection } from './hand-over.ts';
import { StreamConnection } from './stream-connection.ts';

/** Echoes what it is sent with a handle, then what it reads from it. */
const receiver = `
import { adoptHandle } from ${JSON.stringify(new URL('hand-over.ts', import.meta.url).href)};
process.on('message', (leftover, handle) => {
  const socket = adoptHandle(handle);
  socket.write(leftover);
  socket.pipe(socket);
});
process.send('ready');
`;

let server: Server;
let child: ChildProcess;
let accepted: (socket: Socket) => void;

before(async () => {
  child = fork('-', {
    execArgv: ['--input-type=module', '--eval', receiver],
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  await once(child, 'message');
  server = createServer({ allowHalfOpen: true }, (socket) => accepted(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(async () => {
  server.close();
  child.kill();
  await once(child, 'exit');
});

/** A client that sends numbered lines at odd moments; the connection moves after the first chunk that is read. */
async function trial(lines: number): Promise<{ sent: string; received: string }> {
  const moved = new Promise<void>((resolve, reject) => {
    accepted = (socket) => {
      const connection = new StreamConnection(socket, socket);
      connection.onData((chunk) => {
        connection.onData(() => reject(new Error('read after the hand-over began')));
        // As a login does: the answer of the daemon arrives some turns later, while the client keeps sending.
        connection.pause();
        setTimeout(() => {
          const released = releaseConnection(connection)!;
          const octets = Buffer.concat([chunk, released.leftover]).toString('latin1');
          child.send(octets, released.handle as never, {}, (error) => {
            released.handle.close();
            if (error) reject(error);
            else resolve();
          });
        }, 1);
      });
    };
  });
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let received = '';
  client.on('data', (chunk) => {
    received += chunk.toString('latin1');
  });
  let sent = '';
  for (let i = 0; i < lines; i++) {
    const line = `${i} ${'x'.repeat((i * 37) % 200)}\r\n`;
    sent += line;
    client.write(line);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await moved;
  client.end();
  await once(client, 'close');
  return { sent, received };
}

test('no octet is lost or reordered when a connection moves, 100 times', async () => {
  for (let i = 0; i < 100; i++) {
    const { sent, received } = await trial(5 + (i % 60));
    assert.equal(received, sent);
  }
});

test('a connection that has gone is not handed over', async () => {
  const arrived = new Promise<StreamConnection>((resolve) => {
    accepted = (socket) => resolve(new StreamConnection(socket, socket));
  });
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const connection = await arrived;
  const closed = new Promise<void>((resolve) => connection.onClose(() => resolve()));
  connection.destroy();
  await closed;
  assert.equal(releaseConnection(connection), undefined);
  client.destroy();
});
