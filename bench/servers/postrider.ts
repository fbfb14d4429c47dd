import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { createProcessGroup } from '../control-group.ts';
import type { Owner } from '../maildir.ts';
import { freePort, type RunningServer, type ServerKind, waitForGreeting } from './server.ts';

/** `pass`, in a hash that costs next to nothing, as the peers' accounts have it: logins are measured, not hashes. */
const passHash = '{SHA256}10/w7o2juYBrGMh32/KbveULW9jk2tejpyUAD+uC6PE=';

const isRoot = process.getuid?.() === 0;
/** Somebody unprivileged who exists everywhere. */
const workerUser = 'nobody';

const program = resolve(import.meta.dirname, '../../bin/postrider');

export interface PostriderOptions {
  /** Lines for the `postrider` file: `WORKERS=2`. */
  readonly settings?: readonly string[];
  /** Lines added to `imapd`. */
  readonly imapd?: readonly string[];
  /** The lines of `imapd-ssl`; default: no TLS. */
  readonly imapdSsl?: readonly string[];
  /** The accounts' options (`mailhost=…`). */
  readonly accountOptions?: string;
  /** Lines added to `pop3d`. */
  readonly pop3d?: readonly string[];
  /** The lines of `pop3d-ssl`; default: no TLS. */
  readonly pop3dSsl?: readonly string[];
  /** Where the accounts' homes are; default: below the server's own folder. */
  readonly mailDirectory?: string;
}

/**
 * Postrider, started as an administrator starts it: `postrider serve` on a configuration directory. As root it runs
 * its workers as the mail's owner, else everything as the user we are.
 */
export class Postrider implements ServerKind {
  readonly name = 'postrider';
  readonly syncs = 'choice';
  readonly owner = isRoot ? userIds(workerUser) : { uid: userInfo().uid, gid: userInfo().gid };
  readonly directory = mkdtempSync(join(tmpdir(), 'postrider-bench-'));
  readonly #mail: string;
  readonly #options: PostriderOptions;
  readonly #added: string[] = [];

  constructor(options: PostriderOptions = {}) {
    this.#options = options;
    this.#mail = options.mailDirectory ?? join(this.directory, 'mail');
    chmodSync(this.directory, 0o755);
    if (options.mailDirectory === undefined) this.#makeDirectory('mail', 0o755);
  }

  get log(): string {
    return join(this.directory, 'log');
  }

  missing(): undefined {
    return undefined;
  }

  maildir(account: number): string {
    return join(this.#mail, `u${account}/Maildir`);
  }

  /** Lines for the `postrider` file from the next start on. */
  addSettings(...lines: readonly string[]): void {
    this.#added.push(...lines);
  }

  /** Removes what Postrider keeps beside Courier's files. */
  forgetIndex(account: number): void {
    for (const file of ['postrider-index', 'postrider-cache'])
      rmSync(join(this.maildir(account), file), { force: true });
  }

  prepare(accounts: number): void {
    const { uid, gid } = this.owner;
    const { accountOptions } = this.#options;
    const more = accountOptions === undefined ? '' : `|options=${accountOptions}`;
    const lines = Array.from({ length: accounts }, (_, i) => {
      const home = join(this.#mail, `u${i + 1}`);
      mkdirSync(home, { recursive: true });
      chownSync(home, uid, gid);
      return `u${i + 1}\tuid=${uid}|gid=${gid}|home=${home}|mail=${home}/Maildir|systempw=${passHash}${more}\n`;
    });
    this.#makeDirectory('etc', 0o755);
    this.#write('userdb', lines.join(''));
    chmodSync(join(this.directory, 'etc/userdb'), 0o600);
  }

  async start(synced = true): Promise<RunningServer> {
    const [port, pop3Port] = [await freePort(), await freePort()];
    this.#configure(port, pop3Port, synced);
    const group = createProcessGroup(`postrider-${port}`);
    const command = [
      ...group.prefix,
      program,
      'serve',
      '--config',
      join(this.directory, 'etc'),
      '--foreground',
    ];
    const log = openSync(this.log, 'a');
    const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', log, log] });
    group.started(child.pid!);
    const exited = once(child, 'exit');
    try {
      await Promise.race([waitForGreeting(port), exited.then(([code]) => this.#failed(code))]);
    } catch (error) {
      await group.remove();
      throw error;
    }
    return {
      name: this.name,
      port,
      pop3Port,
      group,
      stop: async () => {
        child.kill('SIGTERM');
        await exited;
        await group.remove();
      },
    };
  }

  async buildIndex(account: number): Promise<void> {
    const args = ['index', 'build', '--config', join(this.directory, 'etc'), `u${account}`];
    await promisify(execFile)(program, args);
  }

  #failed(code: unknown): never {
    throw new Error(`postrider serve ended with ${code}:\n${readFileSync(this.log, 'utf8')}`);
  }

  /** Removes everything that was made; the server must not be running. */
  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  #makeDirectory(name: string, mode: number): void {
    const path = join(this.directory, name);
    mkdirSync(path, { recursive: true });
    chmodSync(path, mode);
  }

  #write(file: string, text: string): void {
    writeFileSync(join(this.directory, 'etc', file), text);
  }

  #configure(port: number, pop3Port: number, synced: boolean): void {
    const run = join(this.directory, 'run');
    this.#makeDirectory('run', 0o750);
    if (isRoot) chownSync(run, 0, this.owner.gid);
    const imapd = [
      'ADDRESS=127.0.0.1',
      `PORT=${port}`,
      'MAXDAEMONS=4000',
      'MAXPERIP=4000',
      'IMAPDSTARTTLS=NO',
      `PIDFILE=${join(run, 'imapd.pid')}`,
      `IMAPACCESSFILE=${join(this.directory, 'etc/imapaccess')}`,
      ...(this.#options.imapd ?? []),
    ];
    this.#write('imapd', imapd.join('\n') + '\n');
    const imapdSsl = this.#options.imapdSsl ?? ['IMAPDSSLSTART=NO', 'IMAPDSTARTTLS=NO'];
    this.#write('imapd-ssl', imapdSsl.join('\n') + '\n');
    const pop3d = [
      'ADDRESS=127.0.0.1',
      `PORT=${pop3Port}`,
      'MAXDAEMONS=4000',
      'MAXPERIP=4000',
      ...(this.#options.pop3d ?? []),
    ];
    this.#write('pop3d', pop3d.join('\n') + '\n');
    this.#write(
      'pop3d-ssl',
      (this.#options.pop3dSsl ?? ['POP3DSSLSTART=NO', 'POP3_STARTTLS=NO']).join('\n') + '\n',
    );
    this.#write('authdaemonrc', `authmodulelist="authuserdb"\nauthdaemonvar=${run}\n`);
    const settings = [
      // Clients come from one address here.
      'MAXPERACCOUNT=0',
      ...(synced ? [] : ['DURABLE=NO']),
      ...(this.#options.settings ?? []),
      ...this.#added,
    ];
    this.#write(
      'postrider',
      [...(isRoot ? [`WORKER_USER=${workerUser}`] : []), ...settings].join('\n') + '\n',
    );
  }
}

function userIds(name: string): Owner {
  const id = (option: string) => Number(execFileSync('id', [option, name], { encoding: 'latin1' }));
  return { uid: id('-u'), gid: id('-g') };
}
