/**
 * Puts commands together from octets in any segmentation. A command is one line, or lines that end in the
 * announcement of a literal, each followed by that literal (RFC 9051 §4.3, RFC 7888, RFC 3516 §4.4).
 *
 * A literal is reported before its octets are read, so that the session can refuse it, or hand the octets of an
 * APPEND on while they arrive.
 */
import { Input } from '../../net/input.ts';

export interface Literal {
  readonly size: number;
  /** `{n}`: the client waits for `+`. */
  readonly waits: boolean;
  /** `~{n}`: may hold NULs. */
  readonly binary: boolean;
}

export type Incoming =
  /** A whole command, without its line end; literals stand in it as `{n}` CR LF and their octets. */
  | { kind: 'command'; octets: Buffer }
  /** The command so far, its last token the announcement: call `collect`, `refuse` or `stream`. */
  | { kind: 'literal'; octets: Buffer; literal: Literal }
  /** A line longer than allowed; it is skipped. `octets` is its beginning. */
  | { kind: 'tooLong'; octets: Buffer };

const lineEnd = Buffer.from('\r\n');

/** The announcement at the end of a line, if there is one. Sizes beyond 2^53 count as Infinity. */
export function literalAtEnd(line: Buffer): Literal | undefined {
  let position = line.length - 1;
  if (line[position] !== 0x7d) return undefined;
  position--;
  const waits = line[position] !== 0x2b && line[position] !== 0x2d;
  if (!waits) position--;
  let size = 0;
  let power = 1;
  const lastDigit = position;
  for (; position >= 0; position--) {
    const digit = line[position]! - 0x30;
    if (digit < 0 || digit > 9) break;
    if (digit > 0) size += digit * power;
    power *= 10;
  }
  if (position === lastDigit || line[position] !== 0x7b) return undefined;
  if (size > Number.MAX_SAFE_INTEGER) size = Number.POSITIVE_INFINITY;
  return { size, waits, binary: line[position - 1] === 0x7e };
}

export class CommandReader {
  readonly input = new Input();
  readonly #maxLine: number;
  /** What the command under construction consists of so far. */
  #pieces: Buffer[] = [];
  #size = 0;
  #literal: Literal | undefined;
  /** Octets of the current literal still to come. */
  #missing = 0;
  #mode: 'line' | 'asking' | 'collecting' | 'skipping' = 'line';
  /** The rest of a refused command, up to its end, is not a command. */
  #refused = false;

  constructor(maxLineOctets: number) {
    this.#maxLine = maxLineOctets;
  }

  push(chunk: Buffer): void {
    this.input.push(chunk);
  }

  /** True between commands: nothing of the next one has come. */
  get idle(): boolean {
    return this.#mode === 'line' && this.#pieces.length === 0 && !this.#refused && this.input.length === 0;
  }

  /** True while an announced literal waits for `collect`, `refuse` or `stream`. */
  get asking(): boolean {
    return this.#mode === 'asking';
  }

  next(): Incoming | undefined {
    for (;;) {
      if (this.#mode === 'asking') throw new Error('a literal waits for collect, refuse or stream');
      if (this.#mode !== 'line') {
        if (!this.#takeLiteral()) return undefined;
        continue;
      }
      const line = this.input.line(this.#maxLine);
      if (line === undefined) return undefined;
      if (line.kind === 'tooLong') {
        const octets = this.#pieces[0] ?? line.octets;
        const told = this.#refused;
        this.#reset();
        if (told) continue;
        return { kind: 'tooLong', octets };
      }
      const incoming = this.#lineCame(line.octets);
      if (incoming !== undefined) return incoming;
    }
  }

  #lineCame(octets: Buffer): Incoming | undefined {
    const literal = literalAtEnd(octets);
    if (this.#refused) {
      if (literal === undefined || literal.waits) this.#reset();
      else this.#skip(literal.size);
      return undefined;
    }
    this.#add(octets);
    const whole = this.#pieces.length === 1 ? octets : Buffer.concat(this.#pieces, this.#size);
    if (literal === undefined) {
      this.#reset();
      return { kind: 'command', octets: whole };
    }
    this.#pieces = [whole];
    this.#literal = literal;
    this.#mode = 'asking';
    return { kind: 'literal', octets: whole, literal };
  }

  /** Collects the announced literal into the command. */
  collect(): void {
    this.#add(lineEnd);
    this.#missing = this.#literal!.size;
    this.#mode = this.#missing > 0 ? 'collecting' : 'line';
  }

  /** Drops the command; what the client sends of it without waiting is skipped. */
  refuse(): void {
    const literal = this.#literal!;
    this.#reset();
    if (literal.waits) return;
    this.#refused = true;
    this.#skip(literal.size);
  }

  /** Leaves the literal's octets to the caller, who takes exactly that many from `input`; the command is done. */
  stream(): Literal {
    const literal = this.#literal!;
    this.#reset();
    return literal;
  }

  /** Skips a streamed literal's remaining octets and the rest of its command. */
  skipRest(octets: number): void {
    this.#refused = true;
    this.#skip(octets);
  }

  #skip(octets: number): void {
    this.#missing = octets;
    this.#mode = octets > 0 ? 'skipping' : 'line';
  }

  #takeLiteral(): boolean {
    if (this.#mode === 'collecting' && this.input.length < this.#missing) return false;
    const octets = this.input.take(this.#missing);
    if (octets === undefined) return false;
    if (this.#mode === 'collecting') this.#add(octets);
    this.#missing -= octets.length;
    if (this.#missing > 0) return false;
    this.#mode = 'line';
    return true;
  }

  #add(octets: Buffer): void {
    this.#pieces.push(octets);
    this.#size += octets.length;
  }

  #reset(): void {
    this.#pieces = [];
    this.#size = 0;
    this.#literal = undefined;
    this.#mode = 'line';
    this.#refused = false;
  }
}
