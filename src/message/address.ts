/** One entry of an address list; all text latin1, quoting undone, encoded words kept. */
export interface Address {
  readonly kind: 'mailbox' | 'groupStart' | 'groupEnd';
  /** Display name, or the group's name; undefined if there is none. */
  readonly name?: string;
  /** RFC 5322 obs-route: `@a,@b`. */
  readonly route?: string;
  /** Local part, `''` for `<>` and groups. */
  readonly mailbox: string;
  /** Domain, `''` if there is none. */
  readonly host: string;
}

/** Reads an address list (RFC 5322 §3.4 and its obsolete forms) from unfolded header text; takes anything. */
export function parseAddresses(value: string): Address[] {
  throw new Error(`not built yet ${value}`);
}

/** An address as people read it, all decoded: `Bücher <info@bücher.example>` (imap-server §10). */
export function displayAddress(address: Address): string {
  throw new Error(`not built yet ${address.kind}`);
}
