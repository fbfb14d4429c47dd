/** flock(2), which Courier's tools use and Node lacks. */
import { closeSync, openSync } from 'node:fs';
import koffi from '../base/native.ts';

const lockExclusive = 2;

/**
 * Holds an exclusive lock on a file (made when absent, never removed) while `work` runs. Waits off the event loop.
 * @throws {Error} the file cannot be opened or locked
 */
export async function withFileLock<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  const flock = koffi.load('libc.so.6').func('int flock(int fd, int operation)');
  const fd = openSync(path, 'a', 0o600);
  try {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    flock.async(fd, lockExclusive, (error: unknown, result: number) => {
      if (error || result !== 0) reject(new Error(`cannot lock ${path}`));
      else resolve();
    });
    await promise;
    return await work();
  } finally {
    closeSync(fd);
  }
}
