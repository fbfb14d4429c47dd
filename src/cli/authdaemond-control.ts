/** `postrider authdaemond start|stop|restart`: the daemon in the background, as Courier's start script (authlib §1). */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { runningProcess } from '../supervisor/pid-file.ts';

export type Verb = 'start' | 'stop' | 'restart';

export function isVerb(word: string | undefined): word is Verb {
  return word === 'start' || word === 'stop' || word === 'restart';
}

/** `<authdaemonvar>/pid`, which stays after a stop, as Courier's does. */
export function daemonPidFile(socketDirectory: string): string {
  return join(socketDirectory, 'pid');
}

const mainModule = resolve(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'main.ts' : 'main.js');
const killAfterMs = 10_000;
const stepMs = 50;

/** @returns the exit code: 0 also where there is nothing to start, stop or restart */
export async function control(verb: Verb, configDirectory: string, socketDirectory: string): Promise<number> {
  const pid = runningDaemon(daemonPidFile(socketDirectory));
  if (verb === 'start') return pid === undefined ? start(configDirectory) : 0;
  if (pid === undefined) return 0;
  process.kill(pid, verb === 'stop' ? 'SIGTERM' : 'SIGHUP');
  return verb === 'stop' ? untilGone(pid) : 0;
}

/** The file outlives the daemon: its number may be somebody else's by now. */
function runningDaemon(pidFile: string): number | undefined {
  const pid = runningProcess(pidFile);
  if (pid === undefined) return undefined;
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
    return words.includes('authdaemond') ? pid : undefined;
  } catch {
    return undefined; // it has ended in between
  }
}

/** Resolves when it answers, or has told why it cannot. */
function start(configDirectory: string): Promise<number> {
  const child = spawn(process.execPath, [mainModule, 'authdaemond', '--config', configDirectory], {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  return new Promise((resolve) => {
    child.once('exit', (code) => resolve(code ?? 1));
    child.once('message', () => {
      child.disconnect();
      child.unref();
      resolve(0);
    });
  });
}

/** Ends it by force after ten seconds. */
async function untilGone(pid: number): Promise<number> {
  for (let waitedMs = 0; ; waitedMs += stepMs) {
    try {
      process.kill(pid, waitedMs === killAfterMs ? 'SIGKILL' : 0);
    } catch {
      return 0; // ESRCH: it is gone
    }
    if (waitedMs > killAfterMs + 2000) return 1;
    await wait(stepMs);
  }
}
