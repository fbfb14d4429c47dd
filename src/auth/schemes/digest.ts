/** `{MD5}`, `{SHA}`, `{SHA256}`, `{SHA512}`: standard base64 of the unsalted digest. */
import { hash } from 'node:crypto';
import { equalOctets } from './compare.ts';
import type { Scheme } from './scheme.ts';

function digestScheme(name: string, algorithm: string): Scheme {
  const prefix = `{${name}}`;
  const digest = (password: string) => hash(algorithm, Buffer.from(password, 'latin1'), 'base64');
  return {
    name,
    matches: (stored) => stored.slice(0, prefix.length).toUpperCase() === prefix,
    verify: (stored, password) => equalOctets(stored.slice(prefix.length), digest(password)),
    hash: (password) => prefix + digest(password),
  };
}

export const md5: Scheme = digestScheme('MD5', 'md5');
export const sha: Scheme = digestScheme('SHA', 'sha1');
export const sha256: Scheme = digestScheme('SHA256', 'sha256');
export const sha512: Scheme = digestScheme('SHA512', 'sha512');
