import {
  fullOctets,
  type ReadWhole,
  returnWireBlock,
  takeWireBlock,
  type WireBlock,
} from '../message/wire-block.ts';
import type { Connection } from '../net/connection.ts';

/** A response larger than this is not copied into the block, but written by itself. */
const copyUpTo = 4096;
const firstBlock = 1024;
const laterBlock = 65_536;
/** When this much waits for a slow reader, whoever writes on must wait too. */
const highWater = 262_144;

/**
 * Builds responses as octets and gives them to the connection in large pieces. Nothing is held between
 * `flush` and the next write. Strings are latin1.
 */
export class Writer {
  readonly #connection: Connection;
  #block: Buffer | undefined;
  /** What `#block` is part of, if it is to be used again. */
  #wire: WireBlock | undefined;
  /** How much is written into it. */
  #limit = 0;
  /** What of the block the connection has got. */
  #passed = 0;
  /** What of the block is written. */
  used = 0;
  #size = firstBlock;
  /** Octets of blocks before this one since the last `flush`. */
  #before = 0;
  /** Octets of header-field and body fetches, CRs not counted: the log line's `headers=` and `body=`. */
  headerOctets = 0;
  bodyOctets = 0;

  /** Told of everything that is written. */
  tap: ((octets: Uint8Array) => void) | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** A block with at least `size` octets from `used` on. Whoever writes there moves `used`. */
  room(size: number): Buffer {
    if (this.#block !== undefined && this.used + size <= this.#limit) return this.#block;
    this.#pass();
    const wanted = Math.max(size, this.#size);
    this.#size = laterBlock;
    if (wanted > copyUpTo && wanted <= laterBlock) {
      const wire = takeWireBlock();
      if (wire !== undefined) return this.#enter(wire.octets, wire);
    }
    return this.#enter(Buffer.allocUnsafe(wanted), undefined);
  }

  /** Short ASCII text. */
  text(text: string): this {
    const { length } = text;
    if (length > copyUpTo) return this.octets(Buffer.from(text, 'latin1'));
    const block = this.room(length);
    let position = this.used;
    if (length > 40) position += block.write(text, position, 'latin1');
    else for (let i = 0; i < length; i++) block[position++] = text.charCodeAt(i);
    this.used = position;
    return this;
  }

  octets(octets: Uint8Array): this {
    const { length } = octets;
    if (length > copyUpTo) {
      this.#pass();
      this.tap?.(octets);
      this.#connection.write(octets);
      return this;
    }
    const block = this.room(length);
    if (length > 64) block.set(octets, this.used);
    else for (let i = 0, position = this.used; i < length; i++) block[position++] = octets[i]!;
    this.used += length;
    return this;
  }

  /** `octets[start, end)`, which may change as soon as this returns. */
  piece(octets: Buffer, start: number, end: number): this {
    const length = end - start;
    if (length > laterBlock) return this.octets(Buffer.from(octets.subarray(start, end)));
    octets.copy(this.room(length), this.used, start, end);
    this.used += length;
    return this;
  }

  /** A non-negative integer in decimal. */
  number(value: number): this {
    if (value > 999_999_999) return this.text(String(value));
    const block = this.room(10);
    let digits = 1;
    for (let power = 10; power <= value; power *= 10) digits++;
    let rest = value | 0;
    for (let position = this.used + digits - 1; position >= this.used; position--) {
      const tenth = (rest / 10) | 0;
      block[position] = 0x30 + rest - tenth * 10;
      rest = tenth;
    }
    this.used += digits;
    return this;
  }

  /** Text and its line end. */
  line(text: string): this {
    return this.text(text).text('\r\n');
  }

  /**
   * `head`, and a whole file as a literal.
   * @returns the file's octets; undefined where that cannot be done and nothing is written
   * @throws what `read` does, with nothing written
   */
  fileLiteral(head: string, read: ReadWhole): number | undefined {
    const reader = this.#wire ?? this.#nextWire();
    const fileOctets = reader?.read(read) ?? -1;
    if (reader === undefined || fileOctets < 0) return undefined;
    let wire: WireBlock | undefined = reader;
    const isFull = this.used > 0 && this.used + fileOctets > fullOctets;
    if (isFull || !reader.fits(this.used + head.length + 20, fileOctets)) {
      // What it sends may be on its way already, but what it has read stays until it is used again.
      wire = this.#nextWire();
      wire?.takeRead(reader, fileOctets);
    }
    if (wire === undefined) return undefined;
    const { octets } = wire;
    const start = this.used + octets.write(head, this.used, 'latin1');
    // The number in front is as long as that of the file's octets, nearly always.
    const at = start + String(fileOctets).length + 4;
    const size = wire.expand(fileOctets, at);
    const number = `{${size}}\r\n`;
    const behind = start + number.length;
    if (behind !== at) octets.copyWithin(behind, at, at + size);
    octets.write(number, start, 'latin1');
    this.used = behind + size;
    return fileOctets;
  }

  /** Goes on in a block that can take in files. */
  #nextWire(): WireBlock | undefined {
    this.#pass();
    const wire = takeWireBlock();
    if (wire !== undefined) this.#enter(wire.octets, wire);
    return wire;
  }

  /** Goes on in another block. */
  #enter(block: Buffer, wire: WireBlock | undefined): Buffer {
    this.#before += this.used;
    this.#block = block;
    this.#wire = wire;
    this.#limit = wire === undefined ? block.length : fullOctets;
    this.#passed = 0;
    this.used = 0;
    return block;
  }

  #pass(): void {
    if (this.#block === undefined) return;
    const octets = this.#block.subarray(this.#passed, this.used);
    this.tap?.(octets);
    const wire = this.#wire;
    if (wire === undefined) {
      if (octets.length > 0) this.#connection.write(octets);
      this.#passed = this.used;
      return;
    }
    this.#before += this.used;
    this.#block = undefined;
    this.#wire = undefined;
    this.used = 0;
    if (octets.length === 0) returnWireBlock(wire);
    else this.#connection.writeLent(octets, () => returnWireBlock(wire));
  }

  /** Gives the connection what has been written. */
  flush(): void {
    this.#pass();
    // Clients repeat themselves: the next response gets a first block that this one would have fitted into.
    this.#size = Math.min(laterBlock, Math.max(firstBlock, this.#before + this.used + firstBlock));
    this.#block = undefined;
    this.#before = 0;
    this.used = 0;
    this.#passed = 0;
  }

  /** Flushes, and lets it leave at once. */
  send(): void {
    this.flush();
    this.#connection.flush();
  }

  /** True when the client is so far behind that whoever writes must wait for `drained`. */
  get full(): boolean {
    return this.#connection.pendingOctets > highWater;
  }

  /** Flushes, and waits for a slow client. */
  async drained(): Promise<void> {
    this.flush();
    if (this.full) await this.#connection.drained();
  }
}

/** A quoted string of octets, latin1; what cannot be quoted makes it a literal. */
export function quoted(octets: string): string {
  if (/[\r\n\0]/.test(octets)) return `{${octets.length}}\r\n${octets}`;
  return `"${octets.replace(/["\\]/g, '\\$&')}"`;
}
