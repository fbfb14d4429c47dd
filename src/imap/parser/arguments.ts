/**
 * Reads a command's arguments, one token after the other (RFC 9051 §9). As Courier does, it takes any run of
 * spaces and tabs between tokens (imap-server §1.1).
 */
import { type NumberRanges, parseNumberSet } from '../../base/number-set.ts';
import { SyntaxRefusal } from './syntax-refusal.ts';

/** Octets that end an atom: controls, space, `( ) [ ] " { } ~ \` and everything from 0x7f. */
const endsAtom = new Uint8Array(256);
for (let octet = 0; octet < 256; octet++) {
  if (octet <= 0x20 || octet >= 0x7f || '()[]"{}~\\'.includes(String.fromCharCode(octet)))
    endsAtom[octet] = 1;
}

const space = 0x20;
const tab = 0x09;
const quote = 0x22;
const brace = 0x7b;
const tilde = 0x7e;
const backslash = 0x5c;
const open = 0x28;
const close = 0x29;

/** A string argument: its octets, and how it was written. */
export interface StringArgument {
  octets: Buffer;
  form: 'atom' | 'quoted' | 'literal' | 'literal8';
}

export class ArgumentReader {
  readonly octets: Buffer;
  position: number;
  readonly #maxDepth: number;
  #depth = 0;

  constructor(octets: Buffer, position: number, maxDepth: number) {
    this.octets = octets;
    this.position = position;
    this.#maxDepth = maxDepth;
  }

  refuse(reason: string): never {
    throw new SyntaxRefusal(reason, this.position);
  }

  skipSpace(): void {
    for (;;) {
      const octet = this.octets[this.position];
      if (octet !== space && octet !== tab) return;
      this.position++;
    }
  }

  /** The octet of the next token's beginning; undefined at the end. */
  peek(): number | undefined {
    this.skipSpace();
    return this.octets[this.position];
  }

  get atEnd(): boolean {
    return this.peek() === undefined;
  }

  end(): void {
    if (!this.atEnd) this.refuse('unexpected argument');
  }

  /** Passes the character if it is next. */
  accept(character: string): boolean {
    if (this.peek() !== character.charCodeAt(0)) return false;
    this.position++;
    return true;
  }

  /** Passes the character if it follows at once. */
  acceptHere(character: string): boolean {
    if (this.octets[this.position] !== character.charCodeAt(0)) return false;
    this.position++;
    return true;
  }

  expect(character: string): void {
    if (!this.accept(character)) this.refuse(`"${character}" expected`);
  }

  /** An atom as it is written, `*` and `%` included; never empty. */
  atom(): string {
    this.skipSpace();
    return this.atomHere() || this.refuse('atom expected');
  }

  atomHere(): string {
    const start = this.position;
    let position = start;
    while (position < this.octets.length && endsAtom[this.octets[position]!] === 0) position++;
    this.position = position;
    return this.octets.toString('latin1', start, position);
  }

  /** An atom in upper case: a keyword of the grammar. */
  word(): string {
    return this.atom().toUpperCase();
  }

  /** The next atom in upper case without passing it; '' if the next token is none. */
  peekWord(): string {
    this.skipSpace();
    const start = this.position;
    const word = this.atomHere();
    this.position = start;
    return word.toUpperCase();
  }

  /** Passes the word if it is next. */
  acceptWord(word: string): boolean {
    if (this.peekWord() !== word) return false;
    this.position += word.length;
    return true;
  }

  number(): number {
    const text = this.atom();
    if (!/^[0-9]{1,15}$/.test(text)) this.refuse('number expected');
    return Number(text);
  }

  /** `NIL` as a token of its own. */
  acceptNil(): boolean {
    return this.acceptWord('NIL');
  }

  astring(): StringArgument {
    const octet = this.peek();
    if (octet === quote || octet === brace || octet === tilde) return this.string();
    return { octets: this.#atomWith(']'), form: 'atom' };
  }

  /** An atom in which brackets may stand: a keyword. */
  bracketAtom(): string {
    this.skipSpace();
    return this.#atomWith('[').toString('latin1');
  }

  #atomWith(allowed: string): Buffer {
    const start = this.position;
    while (this.position < this.octets.length) {
      const next = this.octets[this.position]!;
      if (endsAtom[next] === 1 && !allowed.includes(String.fromCharCode(next))) break;
      this.position++;
    }
    if (this.position === start) this.refuse('string expected');
    return this.octets.subarray(start, this.position);
  }

  /**
   * Characters up to a space, also `( ) [ ]`: unquoted passwords of old clients, search strings with brackets.
   */
  looseString(): StringArgument {
    const octet = this.peek();
    if (octet === quote || octet === brace || octet === tilde) return this.string();
    return { octets: this.#atomWith('()[]'), form: 'atom' };
  }

  /** A quoted string or a literal. */
  string(): StringArgument {
    const octet = this.peek();
    if (octet === quote) return { octets: this.#quoted(), form: 'quoted' };
    if (octet === brace) return { octets: this.#literal(), form: 'literal' };
    if (octet === tilde) {
      this.position++;
      return { octets: this.#literal(), form: 'literal8' };
    }
    return this.refuse('string expected');
  }

  nstring(): StringArgument | undefined {
    return this.acceptNil() ? undefined : this.string();
  }

  #quoted(): Buffer {
    const { octets } = this;
    const start = this.position + 1;
    let escaped = false;
    for (let position = start; position < octets.length; position++) {
      const octet = octets[position]!;
      if (octet === backslash) {
        escaped = true;
        position++;
      } else if (octet === quote) {
        this.position = position + 1;
        const content = octets.subarray(start, position);
        return escaped ? withoutEscapes(content) : content;
      } else if (octet === 0x0d || octet === 0x0a || octet === 0) break;
    }
    return this.refuse('unterminated quoted string');
  }

  #literal(): Buffer {
    const { octets } = this;
    let position = this.position + 1;
    let size = 0;
    for (; position < octets.length; position++) {
      const digit = octets[position]! - 0x30;
      if (digit < 0 || digit > 9) break;
      size = size * 10 + digit;
    }
    if (octets[position] === 0x2b || octets[position] === 0x2d) position++;
    const isAnnounced =
      octets[position] === 0x7d && octets[position + 1] === 0x0d && octets[position + 2] === 0x0a;
    const start = position + 3;
    if (!isAnnounced || start + size > octets.length) this.refuse('literal expected');
    this.position = start + size;
    return octets.subarray(start, this.position);
  }

  /** True if the next token is the announcement of a literal that has not been read. */
  get atPendingLiteral(): boolean {
    const octet = this.peek();
    return (
      (octet === brace || octet === tilde) &&
      this.octets.indexOf(0x0a, this.position) < 0 &&
      this.octets.at(-1) === 0x7d
    );
  }

  /** `1:4,7`, as ranges. */
  numberSet(): NumberRanges {
    const text = this.atom();
    return parseNumberSet(text) ?? this.refuse('invalid message set');
  }

  /** `(item item)`; `read` reads one item. The depth of lists within lists is limited. */
  list(read: () => void): void {
    this.expect('(');
    this.nested(() => {
      while (!this.accept(')')) {
        if (this.atEnd) this.refuse('")" expected');
        read();
      }
    });
  }

  nested<T>(read: () => T): T {
    if (++this.#depth > this.#maxDepth) this.refuse('too deeply nested');
    const result = read();
    this.#depth--;
    return result;
  }

  get atList(): boolean {
    return this.peek() === open;
  }

  get atListEnd(): boolean {
    return this.peek() === close;
  }
}

function withoutEscapes(content: Buffer): Buffer {
  const result = Buffer.allocUnsafe(content.length);
  let size = 0;
  for (let i = 0; i < content.length; i++) {
    if (content[i] === backslash) i++;
    if (i < content.length) result[size++] = content[i]!;
  }
  return result.subarray(0, size);
}
