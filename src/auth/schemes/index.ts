/** The only list of password schemes; the first that matches a stored value decides. */
import { argon2id } from './argon2id.ts';
import { crypt } from './crypt.ts';
import { md5, sha, sha256, sha512 } from './digest.ts';
import { md5raw } from './md5raw.ts';
import type { Scheme } from './scheme.ts';
import { scram } from './scram.ts';
import { ssha } from './ssha.ts';

export const schemes: readonly Scheme[] = [md5, md5raw, sha, ssha, sha256, sha512, scram, argon2id, crypt];

/** The scheme of a stored hash, and the hash without `{CRYPT}`. */
export function schemeOf(stored: string): { readonly scheme: Scheme; readonly bare: string } {
  const bare = /^\{crypt\}/i.test(stored) ? stored.slice(7) : stored;
  return { scheme: schemes.find((scheme) => scheme.matches(bare)) ?? crypt, bare };
}
