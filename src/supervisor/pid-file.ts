import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** The process a pid file names, if it is alive; undefined otherwise. */
export function runningProcess(pidFile: string): number | undefined {
  let pid: number;
  try {
    pid = Number.parseInt(readFileSync(pidFile, 'latin1'), 10);
  } catch {
    return undefined; // no file, no process
  }
  if (!(pid > 0)) return undefined;
  try {
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? pid : undefined;
  }
}

/** Writes this process's number, making the directory if need be. */
export function writePidFile(pidFile: string): void {
  mkdirSync(dirname(pidFile), { recursive: true, mode: 0o755 });
  writeFileSync(pidFile, `${process.pid}\n`);
}

/** Removes the file if it is still this process's. */
export function removePidFile(pidFile: string): void {
  if (runningProcess(pidFile) === process.pid) rmSync(pidFile, { force: true });
}
