/** What the supervisor, the workers and the session hosts tell each other. */
import type { AccountRecord } from '../auth/account-record.ts';
import type { Carried } from '../net/stream-connection.ts';
import type { TlsMaterial } from '../tls/tls-side.ts';
import type { ServiceName, ServiceSettings, WorkerSettings } from './settings.ts';
import type { ServiceCounts } from './worker-counts.ts';

/** To a worker. A `listen` comes with the bound handle. */
export type ToWorker =
  | {
      readonly type: 'configure';
      readonly settings: WorkerSettings;
      readonly place: PlacePolicy;
      /** Its number, from 0, and how many there are. */
      readonly worker: number;
      readonly workers: number;
    }
  | { readonly type: 'certificates'; readonly material: TlsMaterial }
  | { readonly type: 'listen'; readonly id: number; readonly service: ServiceName }
  | { readonly type: 'unlisten'; readonly id: number }
  /** Can it spare one of its share? It answers with `lent`. */
  | { readonly type: 'lend'; readonly id: number; readonly key: string; readonly limit: number }
  /** The answer to `borrow`: who gave one. */
  | { readonly type: 'borrowed'; readonly id: number; readonly lender: number | undefined }
  | { readonly type: 'returned'; readonly key: string }
  | { readonly type: 'forgetLoans' }
  /** A session that it gave away is over. */
  | { readonly type: 'movedEnded'; readonly token: number }
  /** The answer to `mayWrite`. */
  | { readonly type: 'written'; readonly kind: string; readonly allowed: boolean }
  /** For the metrics; it answers with `counted`. */
  | { readonly type: 'count'; readonly id: number }
  | { readonly type: 'stop' };

/** Where a worker may run sessions. */
export interface PlacePolicy {
  /** Sessions of this uid run in the worker. */
  readonly uid: number;
  /** Sessions of other accounts run in hosts of their own. */
  readonly hosts: boolean;
}

/** To the supervisor. A `handOver` comes with the connection's handle. */
export type ToSupervisor =
  | { readonly type: 'ready' }
  | { readonly type: 'listening'; readonly id: number }
  | { readonly type: 'listenFailed'; readonly id: number; readonly reason: string }
  | { readonly type: 'stopped' }
  | { readonly type: 'borrow'; readonly id: number; readonly key: string; readonly limit: number }
  | { readonly type: 'lent'; readonly id: number; readonly lent: boolean }
  | { readonly type: 'giveBack'; readonly key: string; readonly lender: number }
  /** Whether a line of this kind may be logged; of all workers, one may once a minute. */
  | { readonly type: 'mayWrite'; readonly kind: string }
  /** `token` comes back when the session is over. */
  | {
      readonly type: 'handOver';
      readonly owner: Owner;
      readonly session: MovedSession;
      readonly token: number;
    }
  /** From a session host: it has the connection. */
  | { readonly type: 'taken'; readonly id: number }
  /** From a session host: the session is over. */
  | {
      readonly type: 'ended';
      readonly id: number;
      readonly receivedOctets: number;
      readonly sentOctets: number;
    }
  /** From a worker, by the names of services. */
  | { readonly type: 'counted'; readonly id: number; readonly counts: Record<string, ServiceCounts> };

/** Whose session it is. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
  /** For supplementary groups. */
  readonly username: string | undefined;
}

/** A session on its way to another process. */
export interface MovedSession {
  readonly service: ServiceName;
  /** The access variables it is served with, as `variantKey`; undefined: none. */
  readonly variant: string | undefined;
  /** Of the session in the structured log. */
  readonly id: string;
  readonly protocol: 'imap' | 'pop3' | 'smap';
  readonly tag: string;
  readonly account: AccountRecord;
  readonly leftover: Uint8Array;
  readonly carried: Carried;
}

/** To a session host. A `session` comes with the handle. */
export type ToHost =
  | { readonly type: 'start'; readonly owner: Owner; readonly services: readonly ServiceSettings[] }
  | { readonly type: 'session'; readonly id: number; readonly session: MovedSession }
  | { readonly type: 'stop' };
