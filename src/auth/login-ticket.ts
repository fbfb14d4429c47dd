/**
 * Login tickets: how the supervisor knows that a worker which wants a session of some uid has really logged that
 * account in. The authentication daemon signs what it answered with a key that it shares with the supervisor alone;
 * the worker passes the ticket on. It is good for one session, soon.
 *
 * `how.issued.nonce.mac`: `auth` or `lookup`, milliseconds in base 36 of the machine's monotonic clock (the same in
 * every process), 16 and 32 octets in base64url.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Account, AccountRecord } from './account-record.ts';
import { readReply, toAccountRecord } from './wire.ts';

export const ticketKeyOctets = 32;

/** Whether the daemon saw proof of the login itself, or was only asked about the account (EXTERNAL). */
export type TicketKind = 'auth' | 'lookup';

/** Whose session it is to be. */
export interface TicketOwner {
  readonly uid: number;
  readonly gid: number;
  readonly username: string | undefined;
}

/** Milliseconds. */
export type Clock = () => number;

const lifetimeMs = 60_000;
const monotonic: Clock = () => Math.floor(Number(process.hrtime.bigint() / 1_000_000n));

/** Everything that decides what a session may reach; passwords are not part of it. */
function mac(key: Uint8Array, head: string, uid: number, account: AccountRecord): Buffer {
  const { address, gid, username, home, maildir, quota, fullName, options } = account;
  const fields = [head, uid, gid, username, address, home, maildir, quota, fullName, [...options]];
  return createHmac('sha256', key).update(JSON.stringify(fields)).digest();
}

/** The daemon's half. */
export interface TicketIssuer {
  /**
   * @param reply  a whole reply about `account`
   * @returns the reply with a line `TICKET=` before its end; without one if the account has no uid
   */
  addTo(reply: Buffer, account: Account, kind: TicketKind): Promise<Buffer>;
}

/** @param uidOf  the uid of a system account, for replies that name only the account */
export function createTicketIssuer(
  key: Uint8Array,
  uidOf: (username: string) => Promise<number | undefined>,
  now = monotonic,
): TicketIssuer {
  return {
    async addTo(reply, account, kind) {
      const read = readReply(reply);
      const uid = account.uid ?? (await uidOf(account.username ?? ''));
      if (typeof read === 'string' || uid === undefined) return reply;
      const head = `${kind}.${now().toString(36)}.${randomBytes(16).toString('base64url')}`;
      const signature = mac(key, head, uid, toAccountRecord(read)).toString('base64url');
      const line = Buffer.from(`TICKET=${head}.${signature}\n.\n`, 'latin1');
      return Buffer.concat([reply.subarray(0, -2), line]);
    },
  };
}

/** The supervisor's half. */
export interface TicketChecker {
  /**
   * Uses a ticket up.
   * @param lookups  accept what the daemon only looked up
   * @returns why it is not good for this session; undefined: it is
   */
  refusal(account: AccountRecord, owner: TicketOwner, lookups: boolean): string | undefined;
}

export function createTicketChecker(key: Uint8Array, now = monotonic): TicketChecker {
  /** Nonces of the tickets that are used up, oldest first, until they expire. */
  const used = new Map<string, number>();

  function forgetExpired(at: number): void {
    for (const [nonce, expires] of used) {
      if (expires > at) return;
      used.delete(nonce);
    }
  }

  return {
    refusal(account, owner, lookups) {
      const match = /^((auth|lookup)\.([0-9a-z]{1,11})\.([\w-]{22}))\.([\w-]{43})$/.exec(
        account.ticket ?? '',
      );
      if (!match) return account.ticket === undefined ? 'no login ticket' : 'not a login ticket';
      const [, head, kind, issued, nonce, signature] = match as unknown as [string, ...string[]];
      const expected = mac(key, head!, owner.uid, account);
      if (!timingSafeEqual(Buffer.from(signature!, 'base64url'), expected)) return 'a forged login ticket';
      if (owner.gid !== account.gid || owner.username !== account.username)
        return 'a login ticket of another owner';
      if (kind === 'lookup' && !lookups) return 'a login ticket without a login';
      const at = now();
      const expires = Number.parseInt(issued!, 36) + lifetimeMs;
      if (expires <= at) return 'an expired login ticket';
      forgetExpired(at);
      if (used.has(nonce!)) return 'a login ticket for the second time';
      used.set(nonce!, expires);
      return undefined;
    },
  };
}
