/**
 * `{SCRAM-SHA-256}iterations,salt,stored key,server key` (base64; RFC 5802 §3, RFC 7677): what a server needs
 * for SCRAM-SHA-256 without the password. A clear-text login can be verified against it too.
 */
import { createHmac, hash, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Scheme } from './scheme.ts';

export interface ScramKeys {
  readonly iterations: number;
  readonly salt: Buffer;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

export const defaultScramIterations = 4096;
const maxIterations = 1_000_000;
const form = /^\{SCRAM-SHA-256\}(\d{1,7}),([A-Za-z0-9+/=]+),([A-Za-z0-9+/]{43}=),([A-Za-z0-9+/]{43}=)$/i;

/** The keys in a stored value, or undefined when it is not one. */
export function parseScramKeys(stored: string): ScramKeys | undefined {
  const match = form.exec(stored);
  if (!match) return undefined;
  const iterations = Number(match[1]);
  if (iterations < 1 || iterations > maxIterations) return undefined;
  const octets = (text: string) => Buffer.from(text, 'base64');
  return { iterations, salt: octets(match[2]!), storedKey: octets(match[3]!), serverKey: octets(match[4]!) };
}

/** Derives the keys of a password. Octets as they are: SASLprep is the client's and the administrator's. */
export async function deriveScramKeys(
  password: string,
  salt: Buffer,
  iterations: number,
): Promise<ScramKeys> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  pbkdf2(Buffer.from(password, 'latin1'), salt, iterations, 32, 'sha256', (error, key) => {
    if (error) reject(error);
    else resolve(key);
  });
  const salted = await promise;
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest();
  return {
    iterations,
    salt,
    storedKey: hash('sha256', hmac('Client Key'), 'buffer'),
    serverKey: hmac('Server Key'),
  };
}

export const scram: Scheme = {
  name: 'SCRAM-SHA-256',
  matches: (stored) => /^\{SCRAM-SHA-256\}/i.test(stored),
  async verify(stored, password, work) {
    const keys = parseScramKeys(stored);
    if (!keys) return false;
    const derived = await work.run(() => deriveScramKeys(password, keys.salt, keys.iterations));
    return timingSafeEqual(derived.storedKey, keys.storedKey);
  },
  async hash(password, like, work) {
    const iterations = parseScramKeys(like)?.iterations ?? defaultScramIterations;
    const keys = await work.run(() => deriveScramKeys(password, randomBytes(16), iterations));
    const fields = [keys.salt, keys.storedKey, keys.serverKey].map((key) => key.toString('base64'));
    return `{SCRAM-SHA-256}${iterations},${fields.join(',')}`;
  },
};
