/** `{MD5RAW}`: lower-case hexadecimal MD5. */
import { hash } from 'node:crypto';
import { equalOctets } from './compare.ts';
import type { Scheme } from './scheme.ts';

const prefix = '{MD5RAW}';
const digest = (password: string) => hash('md5', Buffer.from(password, 'latin1'), 'hex');

export const md5raw: Scheme = {
  name: 'MD5RAW',
  matches: (stored) => stored.slice(0, prefix.length).toUpperCase() === prefix,
  verify: (stored, password) => equalOctets(stored.slice(prefix.length), digest(password)),
  hash: (password) => prefix + digest(password),
};
