/**
 * Asks the authentication daemon, ours or Courier's `authdaemond` (authlib §2.4): one connection and one round
 * trip a request. No answer, a cut-off or an oversized one is `temporary`.
 */
import { connect, type Socket } from 'node:net';
import type { AccountRecord, EnumeratedAccount } from './account-record.ts';
import { errorText } from './auth-error.ts';
import {
  hasControls,
  type Metadata,
  maxPayloadOctets,
  readAttributes,
  readEnumerated,
  readReply,
  toAccountRecord,
  toOctets,
  type WireRequest,
  writeRequest,
} from './wire.ts';

export interface AuthClientSettings {
  /** `<authdaemonvar>/socket` */
  readonly socketPath: string;
  /** TIMEOUT_SOCK, default 10,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** TIMEOUT_WRITE, default 10,000. */
  readonly writeTimeoutMs?: number | undefined;
  /** TIMEOUT_READ, for the whole reply; default 30,000. */
  readonly readTimeoutMs?: number | undefined;
  /** DEFDOMAIN: appended to ids that have no character of `domainSeparators` (DOMAINSEP; without it: its first). */
  readonly defaultDomain?: string | undefined;
  readonly domainSeparators?: string | undefined;
}

/** About the connection that logs in. */
export interface LoginPeer {
  /** The mail client's address, for PAM's remote host and for the guessing protection. */
  readonly remoteIp?: string | undefined;
  /** Replaces the client's setting for this login (access rules may set DEFDOMAIN per address). */
  readonly defaultDomain?: string | undefined;
}

export type AuthResult =
  | { readonly kind: 'accepted'; readonly account: AccountRecord }
  | { readonly kind: 'rejected' }
  | { readonly kind: 'temporary'; readonly reason: string };

/** Ids and passwords are text, or octets when it is not known to be UTF-8. */
export interface AuthClient {
  /** authtype `login`. */
  login(
    service: string,
    userId: string | Uint8Array,
    password: string | Uint8Array,
    peer?: LoginPeer,
  ): Promise<AuthResult>;
  /** @param authType `cram-md5`, `cram-sha1`, `cram-sha256`; challenge and response in base64 */
  cram(
    service: string,
    authType: string,
    challenge: string,
    response: string,
    peer?: LoginPeer,
  ): Promise<AuthResult>;
  /** authtype `oauthbearer` (ours): the daemon checks the token. */
  bearer(service: string, userId: string, token: string, peer?: LoginPeer): Promise<AuthResult>;
  /** authtype `scram-sha-256` (ours): both steps on one connection. */
  scram(service: string, peer?: LoginPeer): ScramConversation;
  /** PRE: the account without a password (EXTERNAL, deliveries). The id is taken as it is. */
  lookup(service: string, userId: string | Uint8Array, peer?: LoginPeer): Promise<AuthResult>;
  /** PASSWD. The protocol cannot tell a temporary failure from a refusal. */
  changePassword(
    service: string,
    userId: string | Uint8Array,
    oldPassword: string | Uint8Array,
    newPassword: string | Uint8Array,
    peer?: LoginPeer,
  ): Promise<'changed' | 'rejected' | 'temporary'>;
  /** ENUMERATE. @throws {AuthError} when the list is not complete */
  enumerate(): Promise<EnumeratedAccount[]>;
}

/** The daemon's half of a SCRAM exchange. */
export interface ScramConversation {
  /** @param clientFirst  base64 of the GS2 header and client-first-message-bare; @returns base64 of server-first */
  first(clientFirst: string, binding: string): Promise<string | Exclude<AuthResult, { kind: 'accepted' }>>;
  /** @param clientFinal  base64; @returns the result, with base64 of server-final when accepted */
  final(clientFinal: string): Promise<AuthResult & { readonly serverFinal?: string }>;
  close(): void;
}

/** A client for one daemon. It holds no connection between requests. */
export function createAuthClient(settings: AuthClientSettings): AuthClient {
  void settings;
  throw new Error('not yet');
}
