/**
 * `imapd.rc`, `imapd-ssl.rc`, `pop3d.rc`, `pop3d-ssl.rc start|stop|restart`: one service, as Courier's start scripts
 * (frontend-tls-ops §7.1), with exit codes that tell the truth. The authentication daemon is started apart.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { findConfigDirectory, type ServiceName, serviceNames } from '../config/load.ts';
import { runningProcess } from '../supervisor/pid-file.ts';
import { type CommandContext, usageExit } from './command.ts';
import { checkedConfig, startInBackground } from './serve.ts';

const scripts: Readonly<Record<string, { service: ServiceName; files: readonly string[] }>> = {
  'imapd.rc': { service: 'imap', files: ['imapd-ssl', 'imapd'] },
  'imapd-ssl.rc': { service: 'imaps', files: ['imapd', 'imapd-ssl'] },
  'pop3d.rc': { service: 'pop3', files: ['pop3d-ssl', 'pop3d'] },
  'pop3d-ssl.rc': { service: 'pop3s', files: ['pop3d', 'pop3d-ssl'] },
};

const killAfterMs = 10_000;

export async function run({ name, args, environment, stderr }: CommandContext): Promise<number> {
  const { service, files } = scripts[name]!;
  const [action] = args;
  if (action !== 'start' && action !== 'stop' && action !== 'restart') {
    stderr(`usage: ${name} start|stop|restart\n`);
    return usageExit;
  }
  const directory = resolve(findConfigDirectory(undefined, environment));
  for (const file of files) {
    const path = join(directory, file);
    if (existsSync(path)) continue;
    stderr(`${path} does not exist, forgot make install-configure?\n`);
    return 1;
  }
  const config = checkedConfig(directory, stderr);
  if (!config) return 1;
  const pidFile = config[service]?.settings.pidFile;
  if (pidFile === undefined) {
    stderr(`${name}: ${service.endsWith('s') ? 'SSLPIDFILE' : 'PIDFILE'} is not set\n`);
    return 1;
  }
  const pid = runningProcess(pidFile);
  if (action === 'start') return pid === undefined ? startInBackground(config, service) : 0;
  if (pid === undefined) return 0;
  const others = serviceNames.filter((other) => {
    const file = config[other]?.settings.pidFile;
    return other !== service && file !== undefined && runningProcess(file) === pid;
  });
  if (action === 'stop' && others.length > 0) {
    stderr(
      `${name}: process ${pid} serves ${others.join(', ')} as well; it can only be stopped as a whole\n`,
    );
    return 1;
  }
  if (action === 'stop') return stop(pid);
  process.kill(pid, 'SIGHUP');
  return 0;
}

/** Ends it, by force after ten seconds; resolves when it is gone. */
async function stop(pid: number): Promise<number> {
  process.kill(pid, 'SIGTERM');
  for (let waitedMs = 0; ; waitedMs += 50) {
    if (!isAlive(pid)) return 0;
    if (waitedMs === killAfterMs) process.kill(pid, 'SIGKILL');
    if (waitedMs > killAfterMs + 2_000) return 1;
    await wait(50);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // ESRCH: it is gone
  }
}
