/** `{SSHA}`: base64 of SHA-1(password, salt) and the salt, which may have any length (Courier: 4 octets only). */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Scheme } from './scheme.ts';

const prefix = '{SSHA}';
const digestOctets = 20;

function digest(password: string, salt: Uint8Array): Buffer {
  return createHash('sha1').update(password, 'latin1').update(salt).digest();
}

export const ssha: Scheme = {
  name: 'SSHA',
  matches: (stored) => stored.slice(0, prefix.length).toUpperCase() === prefix,
  verify(stored, password) {
    const decoded = Buffer.from(stored.slice(prefix.length), 'base64');
    if (decoded.length <= digestOctets) return false;
    const salt = decoded.subarray(digestOctets);
    return timingSafeEqual(decoded.subarray(0, digestOctets), digest(password, salt));
  },
  hash(password) {
    // Four octets, because that is all that Courier verifies.
    const salt = randomBytes(4);
    return prefix + Buffer.concat([digest(password, salt), salt]).toString('base64');
  },
};
