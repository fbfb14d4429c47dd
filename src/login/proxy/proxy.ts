/** Serves an account whose mail is on another machine: logs in there, then passes octets both ways. */
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type { Log } from '../../base/log.ts';
import type { StreamConnection } from '../../net/stream-connection.ts';
import { Backend, type BackendSettings } from './backend.ts';
import { type Dialogue, imapDialogue, type ProxyLogin, pop3Dialogue, smapDialogue } from './dialogue.ts';
import type { ProxyHost } from './target.ts';

export type ProxyProtocol = 'imap' | 'pop3' | 'smap';

const dialogues: Readonly<Record<ProxyProtocol, Dialogue>> = {
  imap: imapDialogue,
  pop3: pop3Dialogue,
  smap: smapDialogue,
};

const ports: Readonly<Record<ProxyProtocol, readonly [plain: number, secure: number]>> = {
  imap: [143, 993],
  pop3: [110, 995],
  smap: [143, 993],
};

/** How long one side may go on after the other has ended. */
const lingerMs = 30_000;

/** A session that runs behind the proxy. */
export interface ProxiedSession {
  /** Resolves when either side has gone. */
  readonly ended: Promise<void>;
  stop(): void;
}

/**
 * Logs in at the first host that lets the client in, answers the client, and passes octets from then on.
 * @param leftover  what the client sent behind its login command
 * @returns undefined if no host would; the reasons have been logged, the client has been told nothing
 */
export async function proxySession(
  connection: StreamConnection,
  protocol: ProxyProtocol,
  hosts: readonly ProxyHost[],
  login: ProxyLogin,
  leftover: Buffer,
  settings: BackendSettings,
  log: Log,
): Promise<ProxiedSession | undefined> {
  for (const host of hosts) {
    let backend: Backend | undefined;
    try {
      const port = ports[protocol][settings.tls === 'implicit' ? 1 : 0];
      backend = await Backend.connect(host, port, settings, connection);
      const answer = await dialogues[protocol](backend, login);
      const { socket, received } = backend.release();
      return relay(connection, socket, Buffer.concat([Buffer.from(answer, 'latin1'), received]), leftover);
    } catch (error) {
      backend?.destroy();
      log.warn(`${error instanceof Error ? error.message : String(error)} by ${host.host}`);
    }
    if (connection.closed) return undefined;
  }
  return undefined;
}

function relay(
  connection: StreamConnection,
  backend: Socket,
  toClient: Buffer,
  toBackend: Buffer,
): ProxiedSession {
  const client: Readable & Writable = connection.stream;
  const held = connection.detach();
  client.write(toClient);
  backend.write(Buffer.concat([toBackend, held]));
  const destroy = () => {
    client.destroy();
    backend.destroy();
  };
  const ended = new Promise<void>((resolve) => {
    for (const [from, to] of [
      [client, backend],
      [backend, client],
    ] as const) {
      from.on('error', destroy);
      // The other side gets what is on its way, and some time to say its last words.
      from.on('end', () => setTimeout(destroy, lingerMs).unref());
      from.on('close', () => {
        to.end();
        resolve();
      });
      from.pipe(to);
    }
  });
  return {
    ended,
    stop: destroy,
  };
}
