/**
 * The octets a client has sent and nobody has used yet. Holds no memory while empty. What it gives out are
 * views of octets that are never overwritten.
 */

const nothing: Buffer = Buffer.alloc(0);

/** A line without its end, or the news that it is longer than allowed; its octets up to LF are then skipped. */
export type Line = { kind: 'line'; octets: Buffer } | { kind: 'tooLong'; octets: Buffer };

export class Input {
  #buffer = nothing;
  #start = 0;
  #end = 0;
  /** Octets before this hold no LF. */
  #scanned = 0;
  #skippingLine = false;

  get length(): number {
    return this.#end - this.#start;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    const kept = this.length;
    if (kept === 0) {
      this.#buffer = chunk;
      this.#start = 0;
      this.#end = chunk.length;
      this.#scanned = 0;
      return;
    }
    if (this.#end + chunk.length > this.#buffer.length || !this.#owned) this.#grow(kept, chunk.length);
    chunk.copy(this.#buffer, this.#end);
    this.#end += chunk.length;
  }

  #owned = false;

  #grow(kept: number, more: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(256, 2 * (kept + more)));
    this.#buffer.copy(larger, 0, this.#start, this.#end);
    this.#scanned -= this.#start;
    this.#buffer = larger;
    this.#owned = true;
    this.#start = 0;
    this.#end = kept;
  }

  /** The next line, up to a LF; CRs before it are dropped. Undefined: it is not complete. */
  line(maxOctets: number): Line | undefined {
    const from = Math.max(this.#scanned, this.#start);
    const found = this.#buffer.subarray(from, this.#end).indexOf(0x0a);
    if (this.#skippingLine) {
      if (found < 0) this.clear();
      else {
        this.#skippingLine = false;
        this.#advance(from + found + 1);
        return this.line(maxOctets);
      }
      return undefined;
    }
    const end = found < 0 ? this.#end : from + found;
    if (end - this.#start > maxOctets) {
      const octets = this.#buffer.subarray(this.#start, this.#start + 64);
      if (found < 0) {
        this.#skippingLine = true;
        this.clear();
      } else this.#advance(end + 1);
      return { kind: 'tooLong', octets };
    }
    if (found < 0) {
      this.#scanned = this.#end;
      return undefined;
    }
    let last = end;
    while (last > this.#start && this.#buffer[last - 1] === 0x0d) last--;
    const octets = this.#buffer.subarray(this.#start, last);
    this.#advance(end + 1);
    return { kind: 'line', octets };
  }

  /** Up to `max` octets of a literal; undefined while there are none. */
  take(max: number): Buffer | undefined {
    const size = Math.min(max, this.length);
    if (size === 0) return undefined;
    const octets = this.#buffer.subarray(this.#start, this.#start + size);
    this.#advance(this.#start + size);
    return octets;
  }

  /** Everything, for the session that takes over. */
  takeAll(): Buffer {
    return this.take(Number.POSITIVE_INFINITY) ?? nothing;
  }

  clear(): void {
    this.#advance(this.#end);
  }

  #advance(position: number): void {
    this.#start = position;
    this.#scanned = position;
    if (position < this.#end) return;
    this.#buffer = nothing;
    this.#owned = false;
    this.#start = 0;
    this.#end = 0;
    this.#scanned = 0;
  }
}
