/** What a worker counts for the metrics: plain numbers, added to where things happen. */
import type { LoginCounts } from '../login/login-services.ts';

/** Why a connection was not served. */
export type RefusalReason = 'access' | 'dns' | 'address' | 'server' | 'proxy' | 'tls';

/** Of one service; all but `open` only grow. */
export interface ServiceCounts {
  accepted: number;
  open: number;
  readonly refused: Record<RefusalReason, number>;
  readonly logins: LoginCounts;
  receivedOctets: number;
  sentOctets: number;
}

export function noCounts(): ServiceCounts {
  return {
    accepted: 0,
    open: 0,
    refused: { access: 0, dns: 0, address: 0, server: 0, proxy: 0, tls: 0 },
    logins: { accepted: 0, rejected: 0, limited: 0, temporary: 0 },
    receivedOctets: 0,
    sentOctets: 0,
  };
}

/** Adds each number of `more` to the one of `sum`. */
export function addCounts(sum: ServiceCounts, more: ServiceCounts): void {
  for (const name of ['accepted', 'open', 'receivedOctets', 'sentOctets'] as const) sum[name] += more[name];
  for (const reason of keysOf(sum.refused)) sum.refused[reason] += more.refused[reason];
  for (const result of keysOf(sum.logins)) sum.logins[result] += more.logins[result];
}

function keysOf<T extends object>(counts: T): (keyof T)[] {
  return Object.keys(counts) as (keyof T)[];
}
