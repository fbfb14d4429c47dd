/**
 * Makes guessing passwords expensive: failures are counted per address (IPv6: per /64) and per account, in the
 * daemon, so for all workers together. After a few, each further attempt waits before it is looked at; after many,
 * attempts are refused unseen until the window has passed.
 *
 * So that nobody can lock another user out, an address from which an account logged in within the last month keeps
 * its access to that account.
 */
import { BlockList, isIP } from 'node:net';
import type { Log } from '../base/log.ts';

export interface GuessSettings {
  /** Failures that cost nothing; 0 switches the delay off together with `maxDelayMs: 0`. */
  readonly freeFailures: number;
  /** Doubles from one second up to this. */
  readonly maxDelayMs: number;
  /** Failures of an address that lock it out; 0: never. */
  readonly lockAddressAfter: number;
  /** Failures of an account that lock it to unknown addresses; 0: never. */
  readonly lockAccountAfter: number;
  /** How long a failure counts. */
  readonly windowMs: number;
  /** Addresses and networks (`127.0.0.1`, `10.0.0.0/8`, `::1`) that are never delayed or locked out. */
  readonly exempt: readonly string[];
}

export const defaultGuessSettings: GuessSettings = {
  freeFailures: 5,
  maxDelayMs: 8000,
  lockAddressAfter: 100,
  lockAccountAfter: 100,
  windowMs: 600_000,
  exempt: ['127.0.0.0/8', '::1'],
};

export interface GuessGuard {
  /** Milliseconds to wait before looking at an attempt, or `locked`. */
  admit(remoteIp: string | undefined, userId: string): number | 'locked';
  failed(remoteIp: string | undefined, userId: string): void;
  succeeded(remoteIp: string | undefined, userId: string): void;
  /** From now on other settings count, with the failures that there were. */
  configure(settings: GuessSettings): void;
}

interface Counter {
  failures: number;
  expires: number;
  lockLogged: boolean;
}

/** Addresses, accounts and pairs remembered; the oldest go first. */
const maxRemembered = 100_000;
const trustMs = 30 * 86_400_000;

/** A map that forgets its oldest entries. */
function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > maxRemembered) map.delete(map.keys().next().value!);
}

/** IPv4 (also inside `::ffff:`) as it is, IPv6 by its /64, else undefined. */
function addressKey(remoteIp: string | undefined): string | undefined {
  if (remoteIp === undefined) return undefined;
  const bare = remoteIp.replace(/^::ffff:(?=\d+\.)/i, '');
  if (isIP(bare) === 4) return bare;
  if (isIP(bare) !== 6) return undefined;
  const [head, tail] = bare.split('::', 2) as [string, string | undefined];
  const left = head === '' ? [] : head.split(':');
  const right = tail ? tail.split(':') : [];
  const groups =
    tail === undefined
      ? left
      : [...left, ...Array(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right];
  return groups
    .slice(0, 4)
    .map((group: string) => group.toLowerCase().replace(/^0+(?=.)/, ''))
    .join(':');
}

/** Databases find an account by other spellings too, and each must not have failures of its own. */
function accountKey(userId: string): string {
  return userId.trim().toLowerCase();
}

function exemptList(entries: readonly string[], log: Log): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [address, bits] = entry.split('/', 2) as [string, string | undefined];
    const family = isIP(address);
    if (family === 0) log.warn(`not an address or network: ${entry}`);
    else list.addSubnet(address, Number(bits ?? (family === 4 ? 32 : 128)), family === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

/** @param now  milliseconds of a clock that never goes back */
export function createGuessGuard(
  initial: GuessSettings,
  log: Log,
  now = () => performance.now(),
): GuessGuard {
  let settings = initial;
  let exempt = exemptList(settings.exempt, log);
  const addresses = new Map<string, Counter>();
  const accounts = new Map<string, Counter>();
  /** `address NUL account` → until when it is trusted. */
  const trusted = new Map<string, number>();

  function isExempt(remoteIp: string | undefined): boolean {
    const bare = remoteIp?.replace(/^::ffff:(?=\d+\.)/i, '') ?? '';
    const family = isIP(bare);
    return family !== 0 && exempt.check(bare, family === 4 ? 'ipv4' : 'ipv6');
  }

  function failures(map: Map<string, Counter>, key: string | undefined): number {
    const counter = key === undefined ? undefined : map.get(key);
    return counter && counter.expires > now() ? counter.failures : 0;
  }

  function count(map: Map<string, Counter>, key: string, limit: number, what: string): void {
    const old = map.get(key);
    const counter = old && old.expires > now() ? old : { failures: 0, expires: 0, lockLogged: false };
    counter.failures++;
    counter.expires = now() + settings.windowMs;
    remember(map, key, counter);
    if (limit === 0 || counter.failures < limit || counter.lockLogged) return;
    counter.lockLogged = true;
    log.warn(`${what} locked out after ${counter.failures} failed logins`);
  }

  const isTrusted = (address: string | undefined, userId: string) =>
    address !== undefined && (trusted.get(`${address}\0${userId}`) ?? 0) > now();

  return {
    configure(next) {
      settings = next;
      exempt = exemptList(next.exempt, log);
    },
    admit(remoteIp, typed) {
      const userId = accountKey(typed);
      if (isExempt(remoteIp)) return 0;
      const address = addressKey(remoteIp);
      const byAddress = failures(addresses, address);
      const byAccount = isTrusted(address, userId) ? 0 : failures(accounts, userId);
      if (settings.lockAddressAfter > 0 && byAddress >= settings.lockAddressAfter) return 'locked';
      if (settings.lockAccountAfter > 0 && byAccount >= settings.lockAccountAfter) return 'locked';
      const counted = Math.max(byAddress, byAccount);
      const beyond = counted - settings.freeFailures;
      return counted === 0 || beyond < 0
        ? 0
        : Math.min(settings.maxDelayMs, 1000 * 2 ** Math.min(beyond, 20));
    },
    failed(remoteIp, typed) {
      const userId = accountKey(typed);
      if (isExempt(remoteIp)) return;
      const address = addressKey(remoteIp);
      if (address !== undefined) count(addresses, address, settings.lockAddressAfter, `ip=[${address}]`);
      if (!isTrusted(address, userId)) count(accounts, userId, settings.lockAccountAfter, `user=${userId}`);
    },
    succeeded(remoteIp, typed) {
      const userId = accountKey(typed);
      const address = addressKey(remoteIp);
      if (address === undefined || isExempt(remoteIp)) return;
      // The address keeps its failures, or an attacker with one account of his own could go on for ever.
      remember(trusted, `${address}\0${userId}`, now() + trustMs);
    },
  };
}
