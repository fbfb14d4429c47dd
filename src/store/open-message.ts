/** An open message file. Every caller closes it. */
export class OpenMessage {
  /** Octets of the file. */
  declare readonly sizeOctets: number;
  declare readonly mtimeSeconds: number;
  /** Fills `into` from a file position; the number of octets read, 0 at the end. */
  declare read: (into: Uint8Array, position: number) => number;
  declare readAll: () => Buffer;
  declare close: () => void;
}
