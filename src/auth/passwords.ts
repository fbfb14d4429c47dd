/** Verifying and making password hashes, off the event loop where they are slow. Octet strings. */
import { AuthError } from './auth-error.ts';
import { schemeOf } from './schemes/index.ts';
import type { WorkQueue } from './schemes/scheme.ts';

export interface Passwords {
  /** Whether the password has the stored hash. Cheap schemes answer at once, without a promise. */
  verify(stored: string, password: string): boolean | Promise<boolean>;
  /**
   * A new hash of the same scheme and cost as `like`; DES, unknown and empty ones become SHA-512 crypt, so that a
   * changed password is never stored in a weaker way (Courier stores salted SHA-1).
   */
  hash(password: string, like: string): string | Promise<string>;
}

/** What may wait for a slow verification; more is a temporary failure. */
const maxWaiting = 4096;

/** A queue that runs at most `limit` tasks at once, in order. */
export function createWorkQueue(limit: number): WorkQueue {
  const waiting: (() => void)[] = [];
  let running = 0;
  return {
    async run(task) {
      if (running >= limit) {
        if (waiting.length >= maxWaiting)
          throw new AuthError('temporary', 'too many passwords are being checked');
        const { promise, resolve } = Promise.withResolvers<void>();
        waiting.push(resolve);
        await promise;
      } else running++;
      try {
        return await task();
      } finally {
        // The place goes to the next in the queue, or becomes free.
        const next = waiting.shift();
        if (next) next();
        else running--;
      }
    },
  };
}

/** @param concurrency  slow verifications at once (`daemons`) */
export function createPasswords(concurrency: number): Passwords {
  const work = createWorkQueue(Math.max(1, concurrency));
  return {
    verify(stored, password) {
      if (stored === '' || password === '') return false;
      const { scheme, bare } = schemeOf(stored);
      return scheme.verify(bare, password, work);
    },
    hash(password, like) {
      const { scheme, bare } = schemeOf(like);
      const made = scheme.hash(password, bare, work);
      if (!/^\{crypt\}/i.test(like)) return made;
      return Promise.resolve(made).then((hash) => `{CRYPT}${hash}`);
    },
  };
}
