/** SASL mechanisms, the server's side, as state machines for IMAP, POP3 and SMAP (authlib §6.1). */
import type { AuthClient, AuthResult, LoginPeer } from './client.ts';

export interface SaslContext {
  readonly client: AuthClient;
  /** `imap`, `pop3`, or what AUTHSERVICE<port> says. */
  readonly service: string;
  readonly peer: LoginPeer;
  /** For CRAM challenges. */
  readonly hostname: string;
  /** The identity of a verified client certificate (TLS_EXTERNAL), for EXTERNAL. */
  readonly externalIdentity?: string | undefined;
  /** `tls-exporter` or `tls-server-end-point` data for SCRAM-SHA-256-PLUS. */
  readonly channelBinding?: { readonly name: string; readonly data: Uint8Array } | undefined;
}

/**
 * What to do next: send a challenge (base64, already encoded: IMAP `+ <base64>`), or stop.
 * `aborted`: the client cancelled with `*` or sent what cannot be decoded.
 */
export type SaslStep =
  | { readonly kind: 'challenge'; readonly base64: string }
  | { readonly kind: 'done'; readonly result: AuthResult }
  | { readonly kind: 'error' }
  | { readonly kind: 'aborted' };

export interface SaslExchange {
  readonly mechanism: string;
  /** The id the client claims, once known: for the log. */
  readonly userId: string | undefined;
  /**
   * First call: the initial response in base64 (`=` is an empty one), or undefined when the command had none.
   * Then each line of the client, without its line end.
   */
  step(line: string | undefined): Promise<SaslStep>;
  /** The connection went away in the middle. */
  close(): void;
}

/** Starts an exchange; undefined when the mechanism is unknown or cannot work on this connection. */
export function startSasl(mechanism: string, context: SaslContext): SaslExchange | undefined {
  void mechanism;
  void context;
  return undefined;
}

/** Mechanisms that put the password on the wire in clear. */
export const clearTextMechanisms: ReadonlySet<string> = new Set(['PLAIN', 'LOGIN', 'OAUTHBEARER', 'XOAUTH2']);
