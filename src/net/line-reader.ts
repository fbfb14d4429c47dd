/** Cuts a stream of octets into lines, for protocols whose commands are lines (POP3). */
export class LineReader {
  readonly #limit: number;
  #parts: Buffer[] = [];
  #octets = 0;

  /** @param limit octets of one line that count; the rest of a longer one is thrown away */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Takes octets and calls `line` with each complete line (latin1, without LF or CRLF) until it answers false.
   * @returns the octets behind the line that was answered false
   */
  feed(chunk: Buffer, line: (text: string) => boolean): Buffer {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(10, start);
      if (end < 0) {
        this.#keep(chunk.subarray(start));
        return Buffer.alloc(0);
      }
      this.#keep(chunk.subarray(start, end));
      start = end + 1;
      if (!line(this.#take())) return chunk.subarray(start);
    }
  }

  #keep(piece: Buffer): void {
    const room = this.#limit - this.#octets;
    if (piece.length === 0 || room <= 0) return;
    // A copy: the piece would hold its whole chunk in memory.
    this.#parts.push(Buffer.from(piece.subarray(0, room)));
    this.#octets += Math.min(piece.length, room);
  }

  #take(): string {
    const text =
      this.#parts.length === 1
        ? this.#parts[0]!.toString('latin1')
        : Buffer.concat(this.#parts).toString('latin1');
    this.#parts = [];
    this.#octets = 0;
    return text.endsWith('\r') ? text.slice(0, -1) : text;
  }
}
