/**
 * Debian's Courier for tests: the tree that `bench/peers/setup.sh courier` makes. Its programs run inside the tree,
 * on maildirs that lie in it; Postrider reaches the same maildirs by their paths outside.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { ImapClient } from '../../bench/imap-client.ts';
import { peerKinds, peersDirectory } from '../../bench/servers/peers.ts';
import { mailOwner, type RunningServer } from '../../bench/servers/server.ts';
import { octetPath } from '../../src/base/paths.ts';
import { SmapClient } from './smap-client.ts';

const root = join(peersDirectory, 'courier');
const program = resolve(import.meta.dirname, '../../bin/postrider');

/** Why Debian's Courier cannot run here; undefined if it can. */
export function courierMissing(): string | undefined {
  return courier().missing();
}

/** Debian's Courier with its accounts u1, u2 …, on a free port; ends with the test. */
export async function startCourier(t: TestContext): Promise<RunningServer> {
  const server = await courier().start();
  t.after(() => server.stop());
  return server;
}

function courier() {
  return peerKinds().find(({ name }) => name === 'courier')!;
}

/** A home directory with an empty maildir that both servers reach. */
export interface SharedMaildir {
  /** The maildir's path for us. */
  readonly path: string;
  /** The same for programs inside the tree. */
  readonly insidePath: string;
}

/** Makes a maildir with Courier's own tool; it goes with the test. */
export function sharedMaildir(t: TestContext): SharedMaildir {
  const mail = join(root, 'srv/mail');
  mkdirSync(mail, { recursive: true });
  const home = mkdtempSync(join(mail, 'test-'));
  chownSync(home, mailOwner.uid, mailOwner.gid);
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const path = join(home, 'Maildir');
  const insidePath = path.slice(root.length);
  runInCourier(['maildirmake', insidePath]);
  return { path, insidePath };
}

/** Runs one of the tree's programs as the mail's owner. @returns what it wrote */
export function runInCourier(command: readonly string[], input: string | Buffer = ''): string {
  return execFileSync('chroot', [`--userspec=${mailOwner.uid}:${mailOwner.gid}`, root, ...command], {
    input,
    encoding: 'latin1',
    env: courierEnvironment,
    // What it logs is in the error, if there is one.
    stdio: 'pipe',
  });
}

const courierEnvironment = {
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  HOSTNAME: 'mx1',
  AUTHENTICATED: 'test',
  IMAP_KEYWORDS: '1',
  IMAP_USELOCKS: '1',
  // No pause of two seconds in DELETE and RENAME.
  IMAP_BROKENUIDV: '1',
};

/** Runs one of Postrider's tools as the mail's owner. @returns what it wrote */
export function runPostrider(command: readonly string[], input: string | Buffer = ''): string {
  return execFileSync(program, command, {
    input,
    encoding: 'latin1',
    env: { ...courierEnvironment, PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: '' },
    uid: mailOwner.uid,
    gid: mailOwner.gid,
  });
}

/** Courier's imapd on a maildir, as after a login. @param settings  more of its environment */
export function courierSession(
  t: TestContext,
  maildir: SharedMaildir,
  settings: NodeJS.ProcessEnv = {},
): Promise<ImapClient> {
  const command = ['--userspec=5000:5000', root, '/usr/bin/imapd', maildir.insidePath];
  const env = { ...courierEnvironment, ...settings };
  return session(t, spawn('chroot', command, { env, stdio: ['pipe', 'pipe', 'ignore'] }));
}

/** Postrider's imapd on the same maildir, as the same user. */
export function postriderSession(
  t: TestContext,
  maildir: SharedMaildir,
  settings: NodeJS.ProcessEnv = {},
): Promise<ImapClient> {
  const child = spawn(program, ['imapd', maildir.path], {
    env: { ...courierEnvironment, ...settings, PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: '' },
    cwd: resolve(maildir.path, '..'),
    uid: mailOwner.uid,
    gid: mailOwner.gid,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return session(t, child);
}

/** The same two programs as SMAP1 sessions. @param settings  variables of the environment */
export function smapSession(
  t: TestContext,
  server: 'courier' | 'postrider',
  maildir: SharedMaildir,
  settings: Readonly<Record<string, string>> = {},
): SmapClient {
  const env = { ...courierEnvironment, IMAP_ACL: '1', PROTOCOL: 'SMAP1', TZ: 'UTC', ...settings };
  const child =
    server === 'courier'
      ? spawn('chroot', ['--userspec=5000:5000', root, '/usr/bin/imapd', maildir.insidePath], {
          env,
          stdio: ['pipe', 'pipe', 'ignore'],
        })
      : spawn(program, ['imapd', maildir.path], {
          env: { ...env, PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: '' },
          cwd: resolve(maildir.path, '..'),
          uid: mailOwner.uid,
          gid: mailOwner.gid,
          stdio: ['pipe', 'pipe', 'inherit'],
        });
  t.after(() => child.kill());
  const client = new SmapClient((octets) => void child.stdin!.write(octets));
  child.stdout!.on('data', (octets: Buffer) => client.receive(octets));
  return client;
}

/** What Courier's login program says to a client that sends this and ends. @param settings  its environment */
export function courierBeforeLogin(input: string, settings: Readonly<Record<string, string>>): string {
  const login = '/usr/lib/courier/courier/imaplogin';
  return execFileSync('chroot', [root, login, '/usr/bin/imapd', 'Maildir'], {
    input,
    encoding: 'latin1',
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      TCPREMOTEIP: '127.0.0.1',
      TCPREMOTEPORT: '1',
      TCPLOCALPORT: '143',
      IMAP_STARTTLS: 'NO',
      ...settings,
    },
  });
}

/** Gives a maildir that the test has filled to the mail's owner. */
export function giveToMailOwner(maildir: SharedMaildir): void {
  for (const name of readdirSync(maildir.path, { recursive: true, encoding: 'latin1' }))
    chownSync(octetPath(maildir.path, name), mailOwner.uid, mailOwner.gid);
}

function session(t: TestContext, child: ChildProcess): Promise<ImapClient> {
  t.after(() => child.kill());
  return ImapClient.over(child.stdout!, child.stdin!);
}

/**
 * Why a test with a program of Debian's cannot run: it is not on PATH. Where CI is set it has to be there.
 * @throws {Error} names the Debian package
 */
export function programMissing(name: string, debianPackage: string): string | undefined {
  const directories = (process.env['PATH'] ?? '').split(':');
  if (directories.some((directory) => existsSync(join(directory, name)))) return undefined;
  const reason = `needs ${name} of the Debian package ${debianPackage}`;
  if (process.env['CI']) throw new Error(reason);
  return reason;
}
