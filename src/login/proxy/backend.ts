/** A connection to the server behind the proxy, read line by line until the client is logged in there. */
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls';
import { plainAddress } from '../../net/address.ts';
import type { Connection } from '../../net/connection.ts';
import { Intake } from './intake.ts';

export interface BackendSettings {
  /** `implicit`: TLS from the first octet, on its own port; `starttls`: asked for in the dialogue. */
  readonly tls: 'none' | 'starttls' | 'implicit';
  /** PEM of the authorities that vouch for back ends; undefined: the system's. */
  readonly trusted: string | undefined;
  /** Send a PROXY header (version 1) first, so that the back end knows the client's address. */
  readonly sendProxyHeader: boolean;
  /** How long it may take from the first packet to the end of the login. */
  readonly timeoutMs: number;
}

/** One place where a back end may be. */
export interface BackendPlace {
  /** As the account's options say it: certificates must be for this name. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** This server listens on the port, at this address or at every one. */
  readonly isOwnPort: boolean;
}

/** The connection has come back to this server. */
export class OwnAddress extends Error {}

/** Longest line of the dialogue; a back end that sends more is given up. */
const lineOctets = 8192;

export class Backend {
  readonly name: string;
  readonly #settings: BackendSettings;
  readonly #signal: AbortSignal;
  readonly #deadlineMs: number;
  /** Undefined under TLS, where octets come out of the stream. */
  readonly #intake: Intake | undefined;
  #socket: Socket;
  #received = Buffer.alloc(0);

  private constructor({ name, address, port }: BackendPlace, settings: BackendSettings, signal: AbortSignal) {
    this.name = name;
    this.#settings = settings;
    this.#signal = signal;
    this.#deadlineMs = performance.now() + settings.timeoutMs;
    this.#intake = settings.tls === 'none' ? new Intake() : undefined;
    this.#socket = connectTcp({
      host: address,
      port,
      noDelay: true,
      keepAlive: true,
      ...(this.#intake && { onread: this.#intake.onread }),
    });
    if (this.#intake) this.#intake.receive = (octets) => this.#keep(octets);
  }

  /**
   * @param signal  aborted when the client has gone
   * @throws {Error} no connection, or no trusted one
   */
  static async connect(
    place: BackendPlace,
    settings: BackendSettings,
    client: Connection,
    signal: AbortSignal,
  ): Promise<Backend> {
    const backend = new Backend(place, settings, signal);
    const socket = backend.#socket;
    await backend.#settled('connect');
    // On Linux a connection to an address of the machine itself has that address at both ends.
    if (place.isOwnPort && socket.remoteAddress === socket.localAddress) {
      backend.destroy();
      throw new OwnAddress(`${place.name} is this server itself`);
    }
    if (settings.sendProxyHeader) socket.write(proxyHeader(client));
    if (settings.tls === 'implicit') await backend.startTls();
    return backend;
  }

  get starttls(): boolean {
    return this.#settings.tls === 'starttls';
  }

  async startTls(): Promise<void> {
    // What arrived in clear may be an attacker's: it must not count behind the handshake.
    this.#received = Buffer.alloc(0);
    while (this.#socket.read() !== null);
    const { name } = this;
    this.#socket = connectTls({
      socket: this.#socket,
      ...(isIP(name) === 0 && { servername: name }),
      host: name,
      secureContext: contextOf(this.#settings),
    });
    await this.#settled('secureConnect');
  }

  /** @throws {Error} the line would be more than one: a name or a password must not become a command */
  send(line: string): void {
    if (/[\r\n\0]/.test(line)) throw new Error('control characters in a name or a password');
    this.#socket.write(Buffer.from(`${line}\r\n`, 'utf8'));
  }

  /** The next line without its end. @throws {Error} none came in time, or it never ends */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#received.indexOf(10);
      if (end > lineOctets || (end < 0 && this.#received.length > lineOctets))
        throw new Error('too long a line');
      if (end >= 0) {
        const line = this.#received.toString('latin1', 0, end).replace(/\r$/, '');
        this.#received = this.#received.subarray(end + 1);
        return line;
      }
      const chunk = this.#intake ? null : (this.#socket.read() as Buffer | null);
      if (chunk) this.#received = Buffer.concat([this.#received, chunk]);
      else await this.#settled(this.#intake ? 'octets' : 'readable');
    }
  }

  /** Octets of a plain connection. */
  #keep(octets: Buffer): boolean {
    this.#received = Buffer.concat([this.#received, octets]);
    this.#socket.emit('octets');
    return this.#received.length <= lineOctets;
  }

  /** Ends the dialogue: the socket, what receives its octets, and what it sent behind the last line. */
  release(): { socket: Socket; intake: Intake | undefined; received: Buffer } {
    return { socket: this.#socket, intake: this.#intake, received: this.#received };
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Resolves at the event; rejects on error, end, or when time is up, and then destroys the socket. */
  #settled(event: 'connect' | 'secureConnect' | 'readable' | 'octets'): Promise<void> {
    const socket = this.#socket;
    const signal = this.#signal;
    // Errors that come between two steps are told by the next one.
    if (event === 'connect' || event === 'secureConnect') socket.on('error', () => undefined);
    return new Promise((resolve, reject) => {
      const finish = (error?: Error) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', aborted);
        socket.off(event, succeed);
        socket.off('error', finish);
        socket.off('end', ended);
        socket.off('close', ended);
        if (error === undefined) return resolve();
        socket.destroy();
        reject(error);
      };
      const succeed = () => finish();
      const ended = () => finish(new Error('connection closed'));
      const aborted = () => finish(new Error('the client has gone'));
      const leftMs = Math.max(0, this.#deadlineMs - performance.now());
      const timer = setTimeout(() => finish(new Error('no answer in time')), leftMs);
      socket.on(event, succeed);
      socket.on('error', finish);
      socket.on('end', ended);
      socket.on('close', ended);
      signal.addEventListener('abort', aborted);
      if (signal.aborted) aborted();
      else if (socket.destroyed || socket.readableEnded) ended();
    });
  }
}

/** Authorities take much memory and time to read: all connections share them. */
const contexts = new WeakMap<BackendSettings, SecureContext>();

function contextOf(settings: BackendSettings): SecureContext {
  const { trusted } = settings;
  const context = contexts.get(settings) ?? createSecureContext(trusted === undefined ? {} : { ca: trusted });
  contexts.set(settings, context);
  return context;
}

/** PROXY protocol version 1. */
function proxyHeader(client: Connection): string {
  if (client.remoteAddress === '') return 'PROXY UNKNOWN\r\n';
  const [remote, local] = [plainAddress(client.remoteAddress), plainAddress(client.localAddress)];
  const family = remote.includes(':') ? 'TCP6' : 'TCP4';
  return `PROXY ${family} ${remote} ${local} ${client.remotePort} ${client.localPort}\r\n`;
}
