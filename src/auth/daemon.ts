/**
 * The authentication daemon's socket (authlib §1, §2): one request a connection, or several one after the other
 * where the client asks for it (KEEPALIVE, which Courier does not know), answered by the module chain.
 * The mode of its directory guards it; hashes found by PRE go only to peers that `mayReadHashes` names.
 */
import { chmodSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Log } from '../base/log.ts';
import type { Account } from './account-record.ts';
import { AuthError, errorText } from './auth-error.ts';
import type { Chain } from './chain.ts';
import type { MakeHome } from './home-directory.ts';
import type { TicketIssuer, TicketKind } from './login-ticket.ts';
import { type PeerCredentials, peerCredentials } from './peer-credentials.ts';
import { type ScramServer, startScramServer } from './scram-server.ts';
import {
  keepAlive,
  maxLineOctets,
  ownUidName,
  type ReadRequest,
  readRequest,
  type WireRequest,
  wantHome,
  wantTicket,
  writeAccount,
  writeEnumerated,
} from './wire.ts';

/** What can be changed while the daemon runs. */
export interface AnswerSettings {
  /** Besides root and the daemon's own uid, members of this group may see stored passwords. */
  readonly passwordGroup?: number | undefined;
  /** Called for logins at our servers. */
  readonly makeHome?: MakeHome | undefined;
}

export interface AuthDaemonSettings extends AnswerSettings {
  /** `authdaemonvar`: made with mode 0750 when absent. */
  readonly directory: string;
  /** Signs accepted logins for clients that ask for it. */
  readonly tickets?: TicketIssuer | undefined;
  readonly readTimeoutMs?: number;
  readonly writeTimeoutMs?: number;
}

export interface AuthDaemon {
  readonly socketPath: string;
  /** Requests that begin from now on use another chain, and what else is given. */
  use(chain: Chain, settings: AnswerSettings): void;
  /** Stops listening, lets requests under way finish; the socket file stays, as with Courier. */
  close(): Promise<void>;
}

/** All metadata lines and the longest request fit. */
const maxRequestOctets = 8 * maxLineOctets;
const maxConnections = 4096;
/** How long a kept connection may wait for its next request. */
const keptMs = 300_000;

/** @throws when the directory or the socket cannot be made */
export async function startAuthDaemon(
  settings: AuthDaemonSettings,
  chain: Chain,
  log: Log,
): Promise<AuthDaemon> {
  mkdirSync(settings.directory, { mode: 0o750, recursive: true });
  if ((statSync(settings.directory).mode & 0o007) !== 0) {
    log.warn(
      `${settings.directory}: everybody may talk to the authentication daemon, its mode should be 0750`,
    );
  }
  let current: Current = { chain, settings };
  /** Connections that wait for a further request; none does once we are closing. */
  const kept: KeptConnections = { waiting: new Set(), closing: false };
  const server = createServer({ allowHalfOpen: true }, (socket) => serve(socket, () => current, kept, log));
  server.maxConnections = maxConnections;
  const socketPath = join(settings.directory, 'socket');
  await listen(server, socketPath);
  return {
    socketPath,
    use(next, { passwordGroup, makeHome }) {
      current = { chain: next, settings: { ...settings, passwordGroup, makeHome } };
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        kept.closing = true;
        for (const socket of kept.waiting) socket.destroy();
      }),
  };
}

/** Listens on `socket.tmp`, which then takes the place of a stale `socket`. */
async function listen(server: Server, socketPath: string): Promise<void> {
  const temporary = `${socketPath}.tmp`;
  rmSync(temporary, { force: true });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(temporary, resolve);
  await promise;
  chmodSync(temporary, 0o777);
  renameSync(temporary, socketPath);
}

interface KeptConnections {
  readonly waiting: Set<Socket>;
  closing: boolean;
}

interface Current {
  readonly chain: Chain;
  readonly settings: AuthDaemonSettings;
}

function serve(socket: Socket, current: () => Current, kept: KeptConnections, log: Log): void {
  const { settings } = current();
  const readTimeoutMs = settings.readTimeoutMs ?? 10_000;
  const peer = peerOf(socket);
  let received: Buffer = Buffer.alloc(0);
  let scram: ScramServer | undefined;
  let replies: Replies | undefined;
  let busy = false;
  let keep = false;

  socket.on('error', () => socket.destroy());
  socket.on('close', () => kept.waiting.delete(socket));
  socket.setTimeout(readTimeoutMs, () => socket.destroy());
  socket.on('end', () => {
    if (!busy) socket.destroy();
  });
  socket.on('data', (chunk: Buffer) => {
    if (busy) return;
    kept.waiting.delete(socket);
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    if (scram) answerScram(scram);
    else answerRequest();
  });

  function answerRequest(): void {
    const read = readRequest(received);
    if (read === 'malformed' || (read === 'more' && received.length > maxRequestOctets)) socket.destroy();
    else if (read !== 'more') {
      keep = read.metadata.has(keepAlive[0]);
      const { chain, settings: now } = current();
      replies = repliesTo(peer, read, now);
      void finish(answer(read, chain, replies, beginScram));
    }
  }

  function beginScram(started: ScramServer): Buffer {
    scram = started;
    received = Buffer.alloc(0);
    return Buffer.from(`CHALLENGE=${started.serverFirst}\n`, 'latin1');
  }

  function answerScram(started: ScramServer): void {
    const end = received.indexOf(0x0a);
    if (end > maxLineOctets || (end < 0 && received.length > maxLineOctets)) socket.destroy();
    else if (end >= 0) {
      scram = undefined;
      const line = received.toString('latin1', 0, end);
      void finish(finishScram(started, line, current().chain, replies!));
    }
  }

  /** Writes the reply and closes, except in the middle of a SCRAM exchange. */
  async function finish(answered: Promise<Buffer | AsyncIterable<string>>): Promise<void> {
    busy = true;
    socket.setTimeout(0);
    try {
      const reply = await answered;
      const writeTimeoutMs = settings.writeTimeoutMs ?? 30_000;
      if (Buffer.isBuffer(reply) && scram) {
        busy = false;
        socket.setTimeout(readTimeoutMs);
        kept.waiting.add(socket);
        socket.write(reply);
      } else if (Buffer.isBuffer(reply) && keep && !kept.closing) {
        busy = false;
        received = Buffer.alloc(0);
        socket.setTimeout(keptMs);
        kept.waiting.add(socket);
        socket.write(reply);
      } else if (Buffer.isBuffer(reply)) {
        socket.setTimeout(writeTimeoutMs);
        socket.end(reply);
      } else await stream(socket, reply, writeTimeoutMs);
    } catch (error) {
      // A close without a reply is the protocol's temporary failure; the chain has logged an AuthError.
      if (!(error instanceof AuthError)) log.error(errorText(error));
      socket.destroy();
    }
  }
}

/** The time limit is the peer's; what a back end takes between two lines does not count. */
async function stream(socket: Socket, lines: AsyncIterable<string>, writeTimeoutMs: number): Promise<void> {
  let piece = '';
  for await (const line of lines) {
    if (socket.destroyed) return;
    piece += line;
    if (piece.length < 16_384) continue;
    if (!socket.write(piece, 'latin1')) {
      socket.setTimeout(writeTimeoutMs);
      await drained(socket);
      socket.setTimeout(0);
    }
    piece = '';
  }
  socket.setTimeout(writeTimeoutMs);
  socket.end(piece, 'latin1');
}

async function drained(socket: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.once('drain', resolve).once('close', resolve);
  await promise;
  socket.off('drain', resolve).off('close', resolve);
}

const failReply = Buffer.from('FAIL\n');

/** Who is at the other end, which does not change as long as the connection lasts. */
type Peer = () => PeerCredentials | undefined;

function peerOf(socket: Socket): Peer {
  let credentials: PeerCredentials | undefined;
  return () => {
    credentials ??= peerCredentials(socket);
    return credentials;
  };
}

/** How a request is answered to the peer that sent it. */
interface Replies {
  /** @param knowsPassword  the peer has sent the password itself */
  account(account: Account, kind: TicketKind, knowsPassword?: boolean): Promise<Buffer>;
}

function repliesTo(peer: Peer, { metadata }: ReadRequest, settings: AuthDaemonSettings): Replies {
  const { tickets, makeHome } = settings;
  const isOwn = ({ uid }: Account) => uid !== undefined && metadata.get(ownUidName) === String(uid);
  return {
    async account(account, kind, knowsPassword = false) {
      if (makeHome && metadata.has(wantHome[0])) await makeHome(account);
      const trusted = mayReadHashes(peer(), settings.passwordGroup);
      const reply = writeAccount(account, { crypt: trusted, clear: trusted || knowsPassword });
      if (!tickets || !metadata.has(wantTicket[0]) || isOwn(account)) return reply;
      return tickets.addTo(reply, account, kind);
    },
  };
}

async function answer(
  { request, metadata }: ReadRequest,
  chain: Chain,
  replies: Replies,
  beginScram: (started: ScramServer) => Buffer,
): Promise<Buffer | AsyncIterable<string>> {
  const remoteIp = metadata.get('TCPREMOTEIP')?.slice(0, 39);
  switch (request.kind) {
    case 'pre': {
      const account = await chain.lookup(request.module, request.service, request.userId);
      return account ? replies.account(account, 'lookup') : failReply;
    }
    case 'auth':
      return answerAuth(request, remoteIp, chain, replies, beginScram);
    case 'passwd':
      return (await changed(chain, request)) ? Buffer.from('OK\n') : failReply;
    case 'refusedPasswd':
      return failReply;
    case 'enumerate':
      return enumeration(chain);
  }
}

async function answerAuth(
  request: WireRequest & { kind: 'auth' },
  remoteIp: string | undefined,
  chain: Chain,
  replies: Replies,
  beginScram: (started: ScramServer) => Buffer,
): Promise<Buffer> {
  const { service, authType, data } = request;
  if (authType === 'scram-sha-256') {
    const started = await startScramServer(chain, service, data, remoteIp);
    return started ? beginScram(started) : failReply;
  }
  const account = await chain.authenticate(service, authType, data, remoteIp);
  return account ? replies.account(account, 'auth', authType === 'login') : failReply;
}

async function finishScram(
  started: ScramServer,
  line: string,
  chain: Chain,
  replies: Replies,
): Promise<Buffer> {
  const finished = await started.finish(line, chain);
  if (!finished) return failReply;
  const head = Buffer.from(`SERVERFINAL=${finished.serverFinal}\n`, 'latin1');
  return Buffer.concat([head, await replies.account(finished.account, 'auth')]);
}

/** PASSWD has no way to say "temporary": FAIL too. */
async function changed(chain: Chain, request: WireRequest & { kind: 'passwd' }): Promise<boolean> {
  try {
    return await chain.changePassword(request);
  } catch (error) {
    if (error instanceof AuthError) return false;
    throw error;
  }
}

async function* enumeration(chain: Chain): AsyncGenerator<string> {
  for await (const entry of chain.enumerate()) {
    yield 'module' in entry ? `# ${entry.module}\n\n` : writeEnumerated(entry);
  }
  yield '.\n';
}

/** Root, who runs the daemon, and members of the configured group. */
function mayReadHashes(peer: PeerCredentials | undefined, group: number | undefined): boolean {
  if (!peer) return false;
  if (peer.uid === 0 || peer.uid === process.geteuid!()) return true;
  return group !== undefined && (peer.gid === group || peer.groups.includes(group));
}
