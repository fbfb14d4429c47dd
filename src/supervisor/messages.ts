/** What the supervisor, the workers and the session hosts tell each other. */
import type { AccountRecord } from '../auth/account-record.ts';
import type { Carried } from '../net/stream-connection.ts';
import type { TlsMaterial } from '../tls/tls-side.ts';
import type { ServiceName, ServiceSettings, WorkerSettings } from './settings.ts';

/** To a worker. A `listen` comes with the bound handle. */
export type ToWorker =
  | { readonly type: 'configure'; readonly settings: WorkerSettings; readonly place: PlacePolicy }
  | { readonly type: 'certificates'; readonly material: TlsMaterial }
  | { readonly type: 'listen'; readonly id: number; readonly service: ServiceName }
  | { readonly type: 'unlisten'; readonly id: number }
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
  | { readonly type: 'handOver'; readonly owner: Owner; readonly session: MovedSession }
  /** From a session host: it has the connection. */
  | { readonly type: 'taken'; readonly id: number };

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
