/** The worker's half of moving a session to the process of its account's uid. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AccountRecord } from '../auth/account-record.ts';
import type { HandOver } from '../login/services.ts';
import { releaseConnection } from '../net/hand-over.ts';
import { StreamConnection } from '../net/stream-connection.ts';
import type { MovedSession, Owner, ToSupervisor } from './messages.ts';

type Send = (message: ToSupervisor, handle: unknown) => void;

/**
 * Sends a plain connection away, or one end of a relay in the place of an encrypted one.
 * @throws {Error} the client has gone
 */
export async function moveSession(
  connection: StreamConnection,
  owner: Owner,
  account: AccountRecord,
  from: Pick<MovedSession, 'service' | 'variant' | 'id'>,
  session: HandOver,
  token: number,
  send: Send,
): Promise<void> {
  const { remoteAddress, remotePort, localAddress, localPort, secure } = connection;
  // From here on the session is not told of octets any more; those that come while something is awaited are kept.
  const early: Buffer[] = [session.leftover];
  connection.onData((chunk) => early.push(chunk));
  await connection.flushed();
  const released = secure ? await relay(connection) : releaseConnection(connection);
  if (!released) throw new Error('the client has gone');
  const { octetsRead, octetsWritten } = connection;
  const carried = { remoteAddress, remotePort, localAddress, localPort, secure, octetsRead, octetsWritten };
  const leftover = Buffer.concat([...early, released.leftover]);
  const { protocol, tag } = session;
  const moved = { ...from, protocol, tag, account: withoutPasswords(account), leftover, carried };
  send({ type: 'handOver', owner, session: moved, token }, released.handle);
}

/** The proxy has had its use of them. */
function withoutPasswords(account: AccountRecord): AccountRecord {
  const { clearPassword: _clear, cryptPassword: _crypt, ...rest } = account;
  return rest;
}

/** A local connection whose far end is sent away while octets flow between its near end and the client. */
async function relay(connection: StreamConnection) {
  const client = connection.stream;
  const { near, far } = await socketPair();
  const leftover = connection.detach();
  client.on('error', () => near.destroy());
  near.on('error', () => client.destroy());
  client.on('close', () => near.destroy());
  near.on('close', () => client.destroy());
  client.pipe(near).pipe(client);
  return { handle: releaseConnection(new StreamConnection(far, far))!.handle, leftover };
}

let pairing: Promise<unknown> = Promise.resolve();
let listener: { server: Server; path: string } | undefined;

/** Two ends of a UNIX connection, made one pair at a time through a socket only this user can reach. */
function socketPair(): Promise<{ near: Socket; far: Socket }> {
  const pair = pairing.then(makePair);
  pairing = pair.catch(() => undefined);
  return pair;
}

async function makePair(): Promise<{ near: Socket; far: Socket }> {
  const { server, path } = await listen();
  return new Promise((resolve, reject) => {
    const near = connect({ path, allowHalfOpen: true });
    near.on('error', reject);
    server.once('connection', (far: Socket) => {
      near.off('error', reject);
      resolve({ near, far });
    });
  });
}

function listen(): Promise<{ server: Server; path: string }> {
  if (listener) return Promise.resolve(listener);
  const directory = mkdtempSync(join(tmpdir(), 'postrider-'));
  const path = join(directory, 'relay');
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(path, () => {
      listener = { server, path };
      server.unref();
      resolve(listener);
    });
  });
}
