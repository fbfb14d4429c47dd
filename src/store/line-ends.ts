const carriageReturn = 13;
const lineFeed = 10;

/**
 * Turns a message's line ends into LF, as it comes in pieces. CRs right before an LF go; a CR elsewhere is content
 * and stays (Courier removes it too, which damages 8-bit and binary bodies).
 */
export class LineEnds {
  /** CRs read whose successor is not known yet. */
  #held = 0;

  /** The octets that belong in the file, always a copy. */
  convert(chunk: Uint8Array): Uint8Array {
    const into = Buffer.allocUnsafe(this.#held + chunk.length);
    let to = 0;
    let at = 0;
    while (at < chunk.length) {
      if (this.#held > 0) {
        const next = chunk[at]!;
        if (next === carriageReturn) {
          this.#held++;
          at++;
          continue;
        }
        if (next !== lineFeed) {
          into.fill(carriageReturn, to, to + this.#held);
          to += this.#held;
        }
        this.#held = 0;
      }
      const found = chunk.indexOf(carriageReturn, at);
      const end = found < 0 ? chunk.length : found;
      into.set(chunk.subarray(at, end), to);
      to += end - at;
      at = end;
      if (found >= 0) {
        this.#held = 1;
        at++;
      }
    }
    return into.subarray(0, to);
  }

  /** The CRs at the very end. */
  end(): Uint8Array {
    const rest = Buffer.alloc(this.#held, carriageReturn);
    this.#held = 0;
    return rest;
  }
}
