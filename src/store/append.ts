export interface Appended {
  readonly uidValidity: number;
  /** One UID per message, in the order given. */
  readonly uids: number[];
}

/** One message on its way into a folder: written to `tmp/` with bounded memory until `commitAppends`. */
export class Append {
  /** Bits of `flag`. */
  flags = 0;
  keywords: readonly string[] = [];
  /** INTERNALDATE in seconds since 1970; undefined is now. */
  dateSeconds: number | undefined;
  /** Octets of the file so far (line ends are LF). */
  declare readonly sizeOctets: number;

  /** Takes octets as they came from the client. @throws {MailError} unavailable */
  declare write: (chunk: Uint8Array) => Promise<void>;
  /** Forgets the message; its file is removed. Safe to call at any time, also after the commit. */
  declare abort: () => void;
}
