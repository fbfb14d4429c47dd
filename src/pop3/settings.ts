/** What the administrator decides about POP3 sessions (pop3-proxy-options §5), as plain values. */
export interface Pop3SessionSettings {
  /** POP3AUTH and POP3AUTH_TLS: what CAPA's SASL line says; empty: no line. */
  readonly saslMechanisms: readonly string[];
  readonly saslMechanismsTls: readonly string[];
  /** POP3_LOG_DELETIONS is set and does not start with 0. */
  readonly logDeletions: boolean;
  /** MIME_UNICODE_MESSAGE_TYPE. */
  readonly unicodeMessageType: string;
  /** Without a command; RFC 1939 §3 wants ten minutes at least. */
  readonly inactivityMs: number;
  /** POP3_LOGIN_DELAY: how long after a login the account may log in again; 0: at once. */
  readonly loginDelaySeconds: number;
}

export const defaultPop3Settings: Pop3SessionSettings = {
  saslMechanisms: [],
  saslMechanismsTls: [],
  logDeletions: false,
  unicodeMessageType: 'message/global',
  inactivityMs: 600_000,
  loginDelaySeconds: 0,
};

/** Octets of a command line that count; the rest of a longer one is thrown away (pop3-proxy-options §2.1). */
export const commandLineOctets = 8191;
