/** The whole server, started as an administrator starts it, and a client that says what it is told. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { makeSelfSigned } from '../../src/tls/self-signed.ts';
import { freePort } from '../support/private-server.ts';

const ourProgram = resolve(import.meta.dirname, '../../bin/postrider');
const isRoot = process.geteuid!() === 0;

export interface TestAccount {
  readonly name: string;
  readonly uid: number;
  /** `name=value,…`, as account sources have them. */
  readonly options?: string;
  /** Another one than that of the other accounts. */
  readonly password?: string;
}

/** Somebody unprivileged who exists everywhere; as an ordinary user, ourselves. */
export const workerUser = isRoot ? { name: 'nobody', uid: 65534 } : { name: '', uid: process.getuid!() };

export const password = 'secret';

/** Those that a failed test has left. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const server of running) server.kill();
});

/** A configuration directory, mail, and the server's process. */
export class TestServer {
  readonly directory = mkdtempSync(join(tmpdir(), 'postrider-server-'));
  readonly ports: { readonly plain: number; readonly tls: number };
  #process: ChildProcess | undefined;
  #log = '';
  #logWaiters: (() => void)[] = [];

  readonly #program: string;

  private constructor(plain: number, tls: number, program: string) {
    this.ports = { plain, tls };
    this.#program = program;
    chmodSync(this.directory, 0o755);
  }

  /** @param settings  lines for the files, by name */
  static async start(
    accounts: readonly TestAccount[] = [{ name: 'ann', uid: workerUser.uid }],
    settings: Readonly<Record<string, readonly string[]>> = {},
    program = ourProgram,
  ): Promise<TestServer> {
    const server = new TestServer(await freePort(), await freePort(), program);
    await server.#prepare(accounts);
    server.configure(settings);
    await server.run();
    return server;
  }

  get log(): string {
    return this.#log;
  }

  get pid(): number {
    return this.#process!.pid!;
  }

  home(account: string): string {
    return join(this.directory, 'mail', account);
  }

  /** Writes the configuration files; what is not given has a value that suits tests. */
  configure(settings: Readonly<Record<string, readonly string[]>>): void {
    const base: Record<string, string[]> = {
      imapd: ['ADDRESS=127.0.0.1', `PORT=${this.ports.plain}`, 'MAXDAEMONS=1000', 'MAXPERIP=1000'],
      'imapd-ssl': [
        'SSLADDRESS=127.0.0.1',
        `SSLPORT=${this.ports.tls}`,
        `TLS_CERTFILE=${this.directory}/etc/imapd.pem`,
        'TLS_VERIFYPEER=NONE',
      ],
      authdaemonrc: ['authmodulelist=authuserdb', `authdaemonvar=${this.directory}/auth`],
      postrider: ['WORKERS=2', 'LOGIN_FAILURE_DELAY=1', 'SHUTDOWN_TIMEOUT=3'],
    };
    if (settings['pop3d-ssl']) base['pop3d-ssl'] = [`TLS_CERTFILE=${this.directory}/etc/imapd.pem`];
    if (isRoot) base['postrider']!.push(`WORKER_USER=${workerUser.name}`);
    for (const file of new Set([...Object.keys(base), ...Object.keys(settings)])) {
      const text = [...(base[file] ?? []), ...(settings[file] ?? [])].join('\n');
      writeFileSync(join(this.directory, 'etc', file), `${text}\n`, { mode: 0o600 });
    }
  }

  async run(): Promise<void> {
    const started = spawn(this.#program, ['serve', '--foreground', '--config', join(this.directory, 'etc')], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#process = started;
    running.add(started);
    started.once('exit', () => running.delete(started));
    started.stderr!.on('data', (chunk: Buffer) => {
      this.#log += chunk.toString();
      for (const waiter of this.#logWaiters.splice(0)) waiter();
    });
    const failed = once(started, 'exit').then(() => {
      throw new Error(`the server ended: ${this.#log}`);
    });
    await Promise.race([once(started, 'message'), failed]);
    failed.catch(() => undefined);
  }

  /** Resolves when the log has a line like this. */
  async logged(pattern: RegExp): Promise<RegExpMatchArray> {
    for (;;) {
      const match = pattern.exec(this.#log);
      if (match) return match;
      await new Promise<void>((resolve) => this.#logWaiters.push(resolve));
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#process!.kill(name);
  }

  /** Resolves to the exit code of a server that has been told to stop. */
  async ended(): Promise<number | null> {
    const process = this.#process!;
    if (process.exitCode === null) await once(process, 'exit');
    return process.exitCode;
  }

  /** Process numbers of the children that run this module. */
  children(module: string): number[] {
    const list = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'latin1').trim().split(' ');
    return list
      .filter(Boolean)
      .map(Number)
      .filter((pid) => {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(module);
      });
  }

  /** Ends the process; the configuration and the mail stay. */
  async end(): Promise<void> {
    if (this.#process && this.#process.exitCode === null && this.#process.signalCode === null) {
      this.signal('SIGTERM');
      await once(this.#process, 'exit');
    }
  }

  async stop(): Promise<void> {
    await this.end();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #prepare(accounts: readonly TestAccount[]): Promise<void> {
    for (const name of ['etc', 'mail']) mkdirSync(join(this.directory, name), { mode: 0o755 });
    const records = accounts.map(({ name, uid, options, password: own = password }) => {
      const hash = createHash('sha256').update(own).digest('base64');
      const home = this.home(name);
      for (const part of ['', 'Maildir', 'Maildir/tmp', 'Maildir/new', 'Maildir/cur']) {
        mkdirSync(join(home, part), { mode: 0o700 });
        if (isRoot) chownSync(join(home, part), uid, uid);
      }
      const more = options === undefined ? '' : `|options=${options}`;
      return `${name}\tuid=${uid}|gid=${uid || 1}|home=${home}|systempw={SHA256}${hash}${more}\n`;
    });
    writeFileSync(join(this.directory, 'etc/userdb'), records.join(''), { mode: 0o600 });
    await this.makeCertificate('localhost');
  }

  /** Replaces the server's certificate. */
  async makeCertificate(name: string, suffix = ''): Promise<void> {
    const subject = [['CN', name]] as const;
    const pem = await makeSelfSigned({
      subject,
      names: [name],
      days: 2,
      from: new Date(Date.now() - 60_000),
    });
    writeFileSync(join(this.directory, `etc/imapd.pem${suffix}`), pem, { mode: 0o600 });
  }
}

/** A conversation over one connection, in octets. */
export class Conversation {
  readonly socket: Socket;
  #received = '';
  #ended = false;
  #waiter: (() => void) | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received += chunk.toString('latin1');
      this.#waiter?.();
    });
    const over = () => {
      this.#ended = true;
      this.#waiter?.();
    };
    socket.on('end', over);
    socket.on('error', over);
    socket.on('close', over);
  }

  /** @param localAddress  the client's own */
  static async plain(port: number, localAddress = '127.0.0.1'): Promise<Conversation> {
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    await once(socket, 'connect');
    return new Conversation(socket);
  }

  static async tls(port: number, options: ConnectionOptions = {}): Promise<Conversation> {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
    await once(socket, 'secureConnect');
    return new Conversation(socket);
  }

  /** Goes on under TLS; the server has agreed. */
  async startTls(): Promise<Conversation> {
    this.socket.removeAllListeners('data');
    const socket = connectTls({ socket: this.socket, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    return new Conversation(socket);
  }

  get certificateName(): string | undefined {
    const { subject } = (this.socket as TLSSocket).getPeerCertificate();
    return typeof subject.CN === 'string' ? subject.CN : undefined;
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Everything up to and including what matches. @throws {Error} the server ended the connection before */
  async until(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(this.#received);
      if (match) {
        const end = match.index + match[0].length;
        const text = this.#received.slice(0, end);
        this.#received = this.#received.slice(end);
        return text;
      }
      if (this.#ended) throw new Error(`ended after: ${this.#received}`);
      await this.#more();
    }
  }

  /** The rest, once the server has ended the connection. */
  async rest(): Promise<string> {
    while (!this.#ended) await this.#more();
    return this.#received;
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiter = resolve;
    });
  }

  /** Sends a command line and reads to the end of its answer. */
  async command(tag: string, text: string): Promise<string> {
    this.send(`${tag} ${text}\r\n`);
    return this.until(new RegExp(`^${tag} .*\r\n`, 'm'));
  }

  async login(name = 'ann'): Promise<string> {
    return this.command('l', `LOGIN ${name} ${password}`);
  }

  close(): void {
    this.socket.destroy();
  }
}

/** The inode of the server's end of a connection from this local port. */
export function acceptedSocket(serverPort: number, clientPort: number): string {
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0');
  const rows = readFileSync('/proc/net/tcp', 'latin1').split('\n');
  const fields = rows.map((row) => row.trim().split(/\s+/));
  const row = fields.find(
    ([, local = '', remote = '']) =>
      local.endsWith(`:${hex(serverPort)}`) && remote.endsWith(`:${hex(clientPort)}`),
  );
  assert.ok(row, `no connection from port ${clientPort}`);
  return `socket:[${row[9]}]`;
}

/** What a process has open, as `/proc` calls it. */
export function socketsOf(pid: number): Set<string> {
  const directory = `/proc/${pid}/fd`;
  return new Set(readdirSync(directory).map((name) => readlinkSync(`${directory}/${name}`)));
}
