/**
 * Real servers for tests: each in a folder of its own under the temporary directory, on a free port of the loopback
 * address, started and ended by the test. A missing Debian package is a failure that names it, never a skip.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ServerProcess {
  /** Starts it again after `stop`. */
  start(): Promise<void>;
  stop(): Promise<void>;
  signal(name: NodeJS.Signals): void;
}

/** @throws {Error} names the Debian package that is missing */
export function needProgram(candidates: readonly string[], debianPackage: string): string {
  const found = candidates.find((path) => existsSync(path));
  if (!found)
    throw new Error(`this test needs the Debian package ${debianPackage} (${candidates.join(', ')})`);
  return found;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A folder that is removed by `cleanUp`; owned by `user` when we are root and servers refuse that. */
export function privateFolder(name: string, user?: { uid: number; gid: number }): string {
  const folder = mkdtempSync(join(tmpdir(), `postrider-${name}-`));
  if (user) chownSync(folder, user.uid, user.gid);
  return folder;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Somebody unprivileged to run a server as, when the test runs as root. */
export function unprivilegedUser(): { uid: number; gid: number } | undefined {
  if (process.geteuid!() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/**
 * A server in the foreground.
 * @param ready  called again and again until it does not throw
 */
export function serverProcess(
  command: readonly string[],
  folder: string,
  ready: () => Promise<void>,
  user?: { uid: number; gid: number },
): ServerProcess {
  let child: ChildProcess | undefined;
  return {
    async start() {
      const log = openSync(join(folder, 'server.log'), 'a');
      const [program, ...args] = command;
      const started = spawn(program!, args, { cwd: folder, stdio: ['ignore', log, log], ...user });
      child = started;
      const ended = once(started, 'exit').then(() => {
        throw new Error(`${program} ended, see ${folder}/server.log`);
      });
      await Promise.race([ended, untilReady(ready)]);
      ended.catch(() => {});
    },
    signal(name) {
      child?.kill(name);
    },
    async stop() {
      const running = child;
      child = undefined;
      if (!running || running.exitCode !== null || running.signalCode !== null) return;
      const exited = once(running, 'exit');
      running.kill('SIGTERM');
      const force = setTimeout(() => running.kill('SIGKILL'), 5000);
      await exited;
      clearTimeout(force);
    },
  };
}

async function untilReady(ready: () => Promise<void>): Promise<void> {
  const limit = Date.now() + 20_000;
  for (;;) {
    try {
      await ready();
      return;
    } catch (error) {
      if (Date.now() > limit) throw error;
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }
}

/** Resolves when something accepts connections there. */
export async function accepts(target: { port: number } | { path: string }): Promise<void> {
  const socket = connect('port' in target ? { port: target.port, host: '127.0.0.1' } : target);
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}
