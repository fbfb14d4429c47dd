export interface CopyOptions {
  /** Bits of `flag` that the copies keep; default all. */
  readonly flagMask?: number;
  /** Whether the copies keep their keywords; default true. */
  readonly keywords?: boolean;
}

export interface Copied {
  /** Of the target. */
  readonly uidValidity: number;
  /** [source UID, new UID] of each message copied, in order; messages that had gone are missing. */
  readonly pairs: [number, number][];
}
