/**
 * What a login costs, module by module: our client and our daemon, each login one round trip, passwords with a cheap
 * hash. `npm run bench -- login [--quick]`. Back ends whose server is not installed are left out, and named.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createAuthClient } from '../src/auth/client.ts';
import { openUserdbIndex } from '../src/auth/modules/userdb-index.ts';
import { accepts } from '../test/support/private-server.ts';
import { type MeasuredModule, measuredModules, type PreparedModule } from './login-modules.ts';
import { latencies } from './measure.ts';

export interface LoginFigures {
  readonly name: string;
  readonly accounts: number;
  readonly loginsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Client and daemon together; databases are not counted. */
  readonly cpuMsPerLogin: number;
}

const logins = 10_000;
const parallel = 10;
const limitMs = 10_000;
const mainModule = resolve(import.meta.dirname, '../src/cli/main.ts');

/** CPU milliseconds of a process, from /proc/PID/stat (clock ticks of 10 ms). */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ');
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

/** Logs in many times, several at once. */
async function measure(module: MeasuredModule, socketPath: string, pid: number): Promise<LoginFigures> {
  const client = createAuthClient({ socketPath });
  const times: number[] = [];
  let next = 0;
  const login = async (number: number) => {
    const user = `user${(number * 7919) % module.accounts}`;
    const result = await client.login('imap', user, 'secret', { remoteIp: '127.0.0.1' });
    if (result.kind !== 'accepted') throw new Error(`${user}: ${result.kind}`);
  };
  for (let i = 0; i < 200; i += parallel)
    await Promise.all(Array.from({ length: parallel }, (_, lane) => login(i + lane)));
  const begun = performance.now();
  const one = async () => {
    while (next < logins && performance.now() - begun < limitMs) {
      const from = performance.now();
      await login(next++);
      times.push(performance.now() - from);
    }
  };
  const [ownBefore, daemonBefore] = [process.cpuUsage(), cpuMs(pid)];
  await Promise.all(Array.from({ length: parallel }, one));
  const seconds = (performance.now() - begun) / 1000;
  const own = process.cpuUsage(ownBefore);
  const { medianMs, p99Ms } = latencies(times);
  return {
    name: module.name,
    accounts: module.accounts,
    loginsPerSecond: times.length / seconds,
    p50Ms: medianMs!,
    p99Ms: p99Ms!,
    cpuMsPerLogin: ((own.user + own.system) / 1000 + cpuMs(pid) - daemonBefore) / times.length,
  };
}

/** The daemon as a process of its own, with other files in the place of some of the system's. */
function startDaemon(folder: string, { mounts = [] }: PreparedModule) {
  const command = [process.execPath, mainModule, 'authdaemond', '--config', folder];
  if (mounts.length === 0) return spawn(command[0]!, command.slice(1), { stdio: 'ignore' });
  const script = `${mounts.map(([from, to]) => `mount --bind ${from} ${to}`).join(' && ')} && exec "$@"`;
  return spawn('unshare', ['-m', 'sh', '-c', script, 'sh', ...command], { stdio: 'ignore' });
}

async function untilAccepts(socketPath: string): Promise<void> {
  const limit = performance.now() + 10_000;
  for (;;) {
    try {
      return await accepts({ path: socketPath });
    } catch (error) {
      if (performance.now() > limit) throw error;
      await new Promise((done) => setTimeout(done, 20));
    }
  }
}

/** @throws {Error} why the module cannot be measured here */
async function measureModule(module: MeasuredModule): Promise<LoginFigures> {
  if (module.root === true && process.geteuid!() !== 0) throw new Error('needs root');
  const folder = mkdtempSync(join(tmpdir(), 'postrider-login-'));
  let prepared: PreparedModule | undefined;
  try {
    mkdirSync(join(folder, 'run'), { mode: 0o750 });
    const settings = `authmodulelist="${module.module}"\ndaemons=5\nauthdaemonvar=${folder}/run\n`;
    writeFileSync(join(folder, 'authdaemonrc'), settings);
    prepared = await module.prepare(folder, module.accounts);
    const daemon = startDaemon(folder, prepared);
    try {
      const socketPath = join(folder, 'run/socket');
      await untilAccepts(socketPath);
      return await measure(module, socketPath, daemon.pid!);
    } finally {
      const ended = once(daemon, 'exit');
      daemon.kill();
      await ended;
    }
  } finally {
    await prepared?.cleanUp?.();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Microseconds of a look-up in the index of a userdb, without daemon and password. */
async function measureLookup(accounts: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-login-'));
  try {
    const [, indexed] = measuredModules(1) as [MeasuredModule, MeasuredModule];
    await indexed.prepare(folder, accounts);
    const index = openUserdbIndex(join(folder, 'userdb.index'));
    const [lookups, begun] = [50_000, performance.now()];
    for (let i = 0; i < lookups; i++) {
      if (index.get(`user${(i * 7919) % accounts}`) === undefined) throw new Error('an account is missing');
    }
    const us = ((performance.now() - begun) / lookups) * 1000;
    index.close();
    return us;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Measures every module and prints a table. */
export async function benchLogin(quick: boolean, print: (text: string) => void): Promise<void> {
  const haste = quick ? 100 : 1;
  print('| Module | Accounts | Logins/s | p50 ms | p99 ms | CPU ms a login |\n|---|---|---|---|---|---|\n');
  for (const module of measuredModules(haste)) {
    try {
      const { accounts, loginsPerSecond, p50Ms, p99Ms, cpuMsPerLogin } = await measureModule(module);
      const cells = [
        module.name,
        accounts.toLocaleString('en'),
        Math.round(loginsPerSecond).toLocaleString('en'),
        p50Ms.toFixed(2),
        p99Ms.toFixed(2),
        cpuMsPerLogin.toFixed(3),
      ];
      print(`| ${cells.join(' | ')} |\n`);
    } catch (error) {
      print(`${module.name} is left out: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
  const accounts = 1_000_000 / haste;
  const us = await measureLookup(accounts);
  print(`A look-up in the userdb index of ${accounts.toLocaleString('en')} accounts: ${us.toFixed(1)} µs\n`);
}
