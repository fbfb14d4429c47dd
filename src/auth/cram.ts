/** CRAM-MD5, CRAM-SHA1, CRAM-SHA256 as the daemon checks them, and the `hmac-*pw` secrets (authlib §6.2, §6.3). */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import {
  blockOctets,
  finishFromState,
  type HmacHash,
  hashFunctions,
  stateAfterBlock,
} from './hash-states.ts';

export const hmacHashes: readonly HmacHash[] = ['md5', 'sha1', 'sha256'];

/** A decoded response; ids and challenge are octets. */
export interface CramResponse {
  readonly hash: HmacHash;
  readonly challenge: Buffer;
  /** Octet string. */
  readonly userId: string;
  readonly digest: Buffer;
}

/** @returns undefined for an unknown hash or what cannot be decoded: a reject */
export function readCram(authType: string, challenge: string, response: string): CramResponse | undefined {
  const hash = hmacHashes.find((name) => authType === `cram-${name}`);
  const challengeOctets = decodeBase64(challenge);
  const responseOctets = decodeBase64(response)?.toString('latin1');
  if (!hash || !challengeOctets || responseOctets === undefined) return undefined;
  const space = responseOctets.lastIndexOf(' ');
  const hex = responseOctets.slice(space + 1);
  if (space < 1 || hex.length !== 2 * hashFunctions[hash].octets || !/^[0-9a-f]*$/i.test(hex))
    return undefined;
  return {
    hash,
    challenge: challengeOctets,
    userId: responseOctets.slice(0, space),
    digest: Buffer.from(hex, 'hex'),
  };
}

/** Standard base64 on one line with correct padding, or undefined. */
export function decodeBase64(text: string): Buffer | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  return Buffer.from(text, 'base64');
}

/** An empty clear password means none: it is never a key. */
export function verifyCramClear(cram: CramResponse, password: string): boolean {
  const expected = createHmac(cram.hash, Buffer.from(password, 'latin1')).update(cram.challenge).digest();
  return timingSafeEqual(expected, cram.digest) && password !== '';
}

/** @param secret  a `hmac-*pw` field: hex of the outer and the inner state */
export function verifyCramSecret(cram: CramResponse, secret: string): boolean {
  const { octets } = hashFunctions[cram.hash];
  if (secret.length !== 4 * octets || !/^[0-9a-f]*$/i.test(secret)) return false;
  const states = Buffer.from(secret, 'hex');
  const inner = finishFromState(cram.hash, states.subarray(octets), cram.challenge);
  const expected = finishFromState(cram.hash, states.subarray(0, octets), inner);
  return timingSafeEqual(expected, cram.digest);
}

/** The `hmac-*pw` field of a password (octet string). */
export function makeCramSecret(hash: HmacHash, password: string): string {
  let key: Buffer = Buffer.from(password, 'latin1');
  if (key.length > blockOctets) key = createHash(hash).update(key).digest();
  const padded = Buffer.alloc(blockOctets);
  padded.set(key);
  const state = (pad: number) =>
    stateAfterBlock(
      hash,
      padded.map((octet) => octet ^ pad),
    ).toString('hex');
  return state(0x5c) + state(0x36);
}
