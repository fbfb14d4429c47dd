/** `$argon2id$v=19$m=…,t=…,p=…$salt$hash` (RFC 9106), the PHC string form; costs are bounded. */
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Scheme } from './scheme.ts';

interface Costs {
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

const defaultCosts: Costs = { memory: 65_536, passes: 3, parallelism: 1 };
/** A stored hash that asks for more is a mismatch: 1 GiB, 64 passes, 64 lanes. */
const maxCosts: Costs = { memory: 1_048_576, passes: 64, parallelism: 64 };

const form =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{6,86})$/;

interface Parsed {
  readonly costs: Costs;
  readonly salt: Buffer;
  readonly tag: Buffer;
}

function parse(stored: string): Parsed | undefined {
  const match = form.exec(stored);
  if (!match) return undefined;
  const costs = { memory: Number(match[1]), passes: Number(match[2]), parallelism: Number(match[3]) };
  const fits =
    costs.passes >= 1 &&
    costs.parallelism >= 1 &&
    costs.memory >= 8 * costs.parallelism &&
    costs.memory <= maxCosts.memory &&
    costs.passes <= maxCosts.passes &&
    costs.parallelism <= maxCosts.parallelism;
  return fits
    ? { costs, salt: Buffer.from(match[4]!, 'base64'), tag: Buffer.from(match[5]!, 'base64') }
    : undefined;
}

function derive(password: string, salt: Buffer, costs: Costs, tagLength: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const message = Buffer.from(password, 'latin1');
  argon2('argon2id', { message, nonce: salt, tagLength, ...costs }, (error, tag) => {
    if (error) reject(error);
    else resolve(tag);
  });
  return promise;
}

const unpadded = (octets: Buffer) => octets.toString('base64').replace(/=+$/, '');

export const argon2id: Scheme = {
  name: 'ARGON2ID',
  matches: (stored) => stored.startsWith('$argon2id$'),
  async verify(stored, password, work) {
    const parsed = parse(stored);
    if (!parsed || parsed.salt.length < 8) return false;
    const tag = await work.run(() => derive(password, parsed.salt, parsed.costs, parsed.tag.length));
    return timingSafeEqual(tag, parsed.tag);
  },
  async hash(password, like, work) {
    const costs = parse(like)?.costs ?? defaultCosts;
    const salt = randomBytes(16);
    const tag = await work.run(() => derive(password, salt, costs, 32));
    const { memory, passes, parallelism } = costs;
    return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(tag)}`;
  },
};
