/** A connection to the server behind the proxy, read line by line until the client is logged in there. */
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Connection } from '../../net/connection.ts';
import type { ProxyHost } from './target.ts';

export interface BackendSettings {
  /** `implicit`: TLS from the first octet, on its own port; `starttls`: asked for in the dialogue. */
  readonly tls: 'none' | 'starttls' | 'implicit';
  /** PEM of the authorities that vouch for back ends; undefined: the system's. */
  readonly trusted: string | undefined;
  /** Send a PROXY header (version 1) first, so that the back end knows the client's address. */
  readonly sendProxyHeader: boolean;
  /** For connecting, and for each line of the dialogue. */
  readonly timeoutMs: number;
}

/** Longest line of the dialogue; a back end that sends more is given up. */
const lineOctets = 65_536;

export class Backend {
  readonly #host: ProxyHost;
  readonly #settings: BackendSettings;
  #socket: Socket;
  #received = Buffer.alloc(0);

  private constructor(host: ProxyHost, settings: BackendSettings, socket: Socket) {
    this.#host = host;
    this.#settings = settings;
    this.#socket = socket;
  }

  /** @throws {Error} no connection, or no trusted one */
  static async connect(
    host: ProxyHost,
    defaultPort: number,
    settings: BackendSettings,
    client: Connection,
  ): Promise<Backend> {
    const socket = connectTcp({
      host: host.host,
      port: host.port ?? defaultPort,
      noDelay: true,
      keepAlive: true,
    });
    await settled(socket, 'connect', settings.timeoutMs);
    if (settings.sendProxyHeader) socket.write(proxyHeader(client));
    const backend = new Backend(host, settings, socket);
    if (settings.tls === 'implicit') await backend.startTls();
    return backend;
  }

  get starttls(): boolean {
    return this.#settings.tls === 'starttls';
  }

  async startTls(): Promise<void> {
    // What arrived in clear may be an attacker's: it must not count behind the handshake.
    this.#received = Buffer.alloc(0);
    const name = this.#host.host;
    const secure = connectTls({
      socket: this.#socket,
      ...(isIP(name) === 0 && { servername: name }),
      host: name,
      ...(this.#settings.trusted !== undefined && { ca: this.#settings.trusted }),
    });
    await settled(secure, 'secureConnect', this.#settings.timeoutMs);
    this.#socket = secure;
  }

  /** @throws {Error} the line would be more than one: a name or a password must not become a command */
  send(line: string): void {
    if (/[\r\n\0]/.test(line)) throw new Error('Login rejected: control characters in a name or a password');
    this.#socket.write(Buffer.from(`${line}\r\n`, 'utf8'));
  }

  /** The next line without its end. @throws {Error} none came in time, or it never ends */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#received.indexOf(10);
      if (end >= 0) {
        const line = this.#received.toString('latin1', 0, end).replace(/\r$/, '');
        this.#received = this.#received.subarray(end + 1);
        return line;
      }
      if (this.#received.length > lineOctets) throw new Error('too long a line');
      const chunk = this.#socket.read() as Buffer | null;
      if (chunk) this.#received = Buffer.concat([this.#received, chunk]);
      else await settled(this.#socket, 'readable', this.#settings.timeoutMs);
    }
  }

  /** Ends the dialogue: the socket, and what it sent behind the last line. */
  release(): { socket: Socket; received: Buffer } {
    return { socket: this.#socket, received: this.#received };
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** Resolves at the event; rejects on error, end, or when it takes too long, and then destroys the socket. */
function settled(
  socket: Socket,
  event: 'connect' | 'secureConnect' | 'readable',
  timeoutMs: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (error?: Error) => {
      clearTimeout(timer);
      socket.off(event, succeed);
      socket.off('error', finish);
      socket.off('end', ended);
      socket.off('close', ended);
      if (error === undefined) return resolve();
      // Errors that come later belong to a connection nobody wants any more.
      socket.on('error', () => undefined);
      socket.destroy();
      reject(error);
    };
    const succeed = () => finish();
    const ended = () => finish(new Error('connection closed'));
    const timer = setTimeout(() => finish(new Error('no answer in time')), timeoutMs);
    socket.on(event, succeed);
    socket.on('error', finish);
    socket.on('end', ended);
    socket.on('close', ended);
  });
}

/** PROXY protocol version 1. */
function proxyHeader(client: Connection): string {
  const { remoteAddress, remotePort, localAddress, localPort } = client;
  if (remoteAddress === '') return 'PROXY UNKNOWN\r\n';
  const family = remoteAddress.includes(':') ? 'TCP6' : 'TCP4';
  return `PROXY ${family} ${remoteAddress} ${localAddress} ${remotePort} ${localPort}\r\n`;
}
