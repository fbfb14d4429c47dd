/** What the administrator decides about TLS on one listener (frontend-tls-ops §3.1), as plain values. */
export interface TlsSettings {
  /** TLS_CERTFILE: a PEM chain with its key; `FILE.name` and `FILE.address` beside it take precedence. */
  readonly certFile: string;
  /** TLS_PRIVATE_KEYFILE, with the same suffixes; undefined: the key is in the certificate's file. */
  readonly privateKeyFile: string | undefined;
  /** TLS_PROTOCOL, or TLS_STARTTLS_PROTOCOL where the connection begins in clear. */
  readonly minVersion: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  /** `++`: no renegotiation, the server's order of ciphers. */
  readonly strict: boolean;
  /** TLS_CIPHER_LIST, for TLS 1.2 and older; '' is the runtime's list. */
  readonly cipherList: string;
  /** TLS_ALPN; empty: none is negotiated. */
  readonly alpn: readonly string[];
  readonly verifyPeer: 'none' | 'peer' | 'require';
  /** TLS_TRUSTCERTS: a PEM file or a directory of them; undefined: no client certificate can be verified. */
  readonly trustCerts: string | undefined;
  /** TLS_EXTERNAL: the subject field that names the account, lower case; '' is none. */
  readonly external: string;
  readonly handshakeTimeoutMs: number;
}
