/**
 * The maildir's `loginexec`: a program that runs at the account's next login, and is removed once it has succeeded
 * (pop3-proxy-options §8). It runs as the account, in the maildir, and sees nothing of the client.
 */
import { spawn } from 'node:child_process';
import { rmSync, type Stats, statSync } from 'node:fs';
import type { Log } from '../base/log.ts';
import { octetPath } from '../base/paths.ts';

/** Octets of its output that reach the log at one login. */
const outputOctets = 8192;
/** How long it has to end when it is asked to. */
const patienceMs = 2000;
const defaultPath = '/usr/local/bin:/usr/bin:/bin';

const running = new Map<string, Promise<void>>();

/**
 * Runs the hook if there is one; logins that come meanwhile wait for the same run. Never fails: whatever
 * happens is logged, and the login goes on.
 * @param maildir      its path, latin1
 * @param environment  all the program gets; PATH is added if it is missing
 */
export function runLoginExec(
  maildir: string,
  environment: Readonly<Record<string, string>>,
  timeoutMs: number,
  log: Log,
): Promise<void> {
  const already = running.get(maildir);
  if (already !== undefined) return already;
  const path = octetPath(maildir, 'loginexec');
  const file = statSync(path, { throwIfNoEntry: false });
  if (!file?.isFile() || (file.mode & 0o100) === 0) return Promise.resolve();
  const refusal = unsafe(file);
  if (refusal !== undefined) {
    log.warn(`${String(path)}: not run: ${refusal}`);
    return Promise.resolve();
  }
  const run = execute(
    String(path),
    Buffer.from(maildir, 'latin1').toString(),
    environment,
    timeoutMs,
    log,
  ).finally(() => running.delete(maildir));
  running.set(maildir, run);
  return run;
}

/** Only the account itself, or root, may decide what runs in its name. */
function unsafe(file: Stats): string | undefined {
  if (file.uid !== 0 && file.uid !== process.geteuid!()) return `it belongs to uid ${file.uid}`;
  return file.mode & 0o022 ? 'others than its owner may write it' : undefined;
}

async function execute(
  path: string,
  maildir: string,
  env: Readonly<Record<string, string>>,
  timeoutMs: number,
  log: Log,
): Promise<void> {
  // A process group of its own: what it has started ends with it when time is up.
  const child = spawn('./loginexec', [], {
    argv0: 'loginexec',
    cwd: maildir,
    env: { PATH: defaultPath, ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const end = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // It has just ended.
    }
  };
  const timers = [
    setTimeout(() => end('SIGTERM'), timeoutMs),
    setTimeout(() => end('SIGKILL'), timeoutMs + patienceMs),
  ];
  let output = '';
  const collect = (chunk: Buffer) => {
    output = (output + chunk.toString('latin1')).slice(0, outputOctets);
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const outcome = await new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(`Failed to exec loginexec: ${error.message}`));
    // Not 'close': a process it left in the background may hold its output open for ever.
    child.on('exit', (code, signal) => resolve(signal === null ? String(code) : `ended by ${signal}`));
  });
  for (const timer of timers) clearTimeout(timer);
  child.stdout.destroy();
  child.stderr.destroy();
  for (const line of output.split('\n')) if (line !== '') log.info(`loginexec: ${line}`);
  if (outcome !== '0') log.warn(`${path}: ${/^\d+$/.test(outcome) ? `exit status ${outcome}` : outcome}`);
  else removeHook(path, log);
}

/** It may have removed, or replaced, itself. */
function removeHook(path: string, log: Log): void {
  try {
    rmSync(path, { force: true });
  } catch (error) {
    log.warn(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
