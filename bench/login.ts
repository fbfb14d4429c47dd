/**
 * What a login costs: our client and our daemon, over userdb as text and as an index. `node bench/login.ts [accounts]`.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createAuthClient } from '../src/auth/client.ts';
import { openUserdbIndex } from '../src/auth/modules/userdb-index.ts';
import { makeUserdbIndex } from '../src/auth/modules/userdb-index-writer.ts';

export interface LoginFigures {
  readonly name: string;
  readonly loginsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Client and daemon together. */
  readonly cpuMsPerLogin: number;
}

const hash = '{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=';

/** CPU milliseconds of a process, from /proc/PID/stat (clock ticks of 10 ms). */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ');
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

async function answering(path: string): Promise<void> {
  for (;;) {
    const answered = await new Promise<boolean>((done) => {
      const socket = connect({ path }, () => done(true));
      socket.on('error', () => done(false)).on('connect', () => socket.destroy());
    });
    if (answered) return;
    await new Promise((done) => setTimeout(done, 20));
  }
}

/** Logs in `logins` times, `parallel` at once. */
async function measure(
  name: string,
  socketPath: string,
  pid: number,
  accounts: number,
): Promise<LoginFigures> {
  const client = createAuthClient({ socketPath });
  const [logins, parallel] = [10_000, 10];
  const times: number[] = [];
  let next = 0;
  const one = async () => {
    while (next < logins) {
      const user = `user${(next++ * 7919) % accounts}`;
      const begun = performance.now();
      const { kind } = await client.login('imap', user, 'secret', { remoteIp: '127.0.0.1' });
      if (kind !== 'accepted') throw new Error(`${user}: ${kind}`);
      times.push(performance.now() - begun);
    }
  };
  await client.login('imap', 'user0', 'secret', { remoteIp: '127.0.0.1' });
  const [ownBefore, daemonBefore, begun] = [process.cpuUsage(), cpuMs(pid), performance.now()];
  await Promise.all(Array.from({ length: parallel }, one));
  const seconds = (performance.now() - begun) / 1000;
  const own = process.cpuUsage(ownBefore);
  times.sort((a, b) => a - b);
  return {
    name,
    loginsPerSecond: logins / seconds,
    p50Ms: times[logins >> 1]!,
    p99Ms: times[Math.floor(logins * 0.99)]!,
    cpuMsPerLogin: ((own.user + own.system) / 1000 + cpuMs(pid) - daemonBefore) / logins,
  };
}

export async function benchLogin(accounts: number): Promise<{ logins: LoginFigures[]; lookupUs: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-login-'));
  const path = join(folder, 'userdb');
  const lines = Array.from(
    { length: accounts },
    (_, i) => `user${i}\tuid=1000|gid=1000|home=/h/${i}|systempw=${hash}\n`,
  );
  writeFileSync(path, lines.join(''), { mode: 0o600 });
  mkdirSync(join(folder, 'run'), { mode: 0o750 });
  const rc = `authmodulelist="authuserdb"\ndaemons=5\nauthdaemonvar=${folder}/run\n`;
  writeFileSync(join(folder, 'authdaemonrc'), rc);
  // Without the shell script, so that the process is the daemon itself.
  const main = resolve(import.meta.dirname, '../src/cli/main.ts');
  const child = spawn(process.execPath, [main, 'authdaemond', '--config', folder], { stdio: 'ignore' });
  try {
    const socketPath = join(folder, 'run/socket');
    await answering(socketPath);
    const text = await measure('authuserdb, text', socketPath, child.pid!, accounts);
    await makeUserdbIndex(path, `${path}.index`);
    const indexed = await measure('authuserdb, index', socketPath, child.pid!, accounts);
    const index = openUserdbIndex(`${path}.index`);
    const begun = performance.now();
    for (let i = 0; i < 20_000; i++) index.get(`user${(i * 7919) % accounts}`);
    const lookupUs = ((performance.now() - begun) / 20_000) * 1000;
    index.close();
    return { logins: [text, indexed], lookupUs };
  } finally {
    child.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const accounts = Number(process.argv[2] ?? 1000);
  const { logins, lookupUs } = await benchLogin(accounts);
  for (const { name, loginsPerSecond, p50Ms, p99Ms, cpuMsPerLogin } of logins) {
    process.stdout.write(
      `${name}: ${Math.round(loginsPerSecond)} logins/s, p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms, ` +
        `${cpuMsPerLogin.toFixed(3)} ms CPU a login\n`,
    );
  }
  process.stdout.write(`look-up in the index of ${accounts} accounts: ${lookupUs.toFixed(1)} us\n`);
}
