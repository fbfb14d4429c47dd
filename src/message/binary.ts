/** Transfer encodings undone: RFC 2045 §6, for BINARY (RFC 3516) and for SEARCH. */
import { toWire } from './line-ends.ts';
import { asBuffer, asciiLower } from './octet-text.ts';

/**
 * Undoes a transfer encoding, octets in any pieces. Never throws: damaged input decodes as far as it makes sense.
 * Line ends of text come out as CRLF; what base64 holds comes out as it is.
 */
export interface TransferDecoder {
  write(octets: Uint8Array): Buffer;
  end(): Buffer;
}

const nothing = Buffer.alloc(0);

/**
 * @param lineEnds  of text: CRLF as the wire has them, or those of the file
 * @returns undefined if the encoding is unknown (BINARY answers UNKNOWN-CTE, RFC 3516 §4.3)
 */
export function createTransferDecoder(
  encoding: string,
  lineEnds: 'wire' | 'file' = 'wire',
): TransferDecoder | undefined {
  switch (asciiLower(encoding)) {
    case '7bit':
    case '8bit':
    case 'binary':
      return lineEnds === 'file' ? unchanged : identityDecoder();
    case 'base64':
      return base64Decoder();
    case 'quoted-printable':
      return new QuotedPrintableDecoder(lineEnds === 'file');
    default:
      return undefined;
  }
}

/** The same for a body in memory. */
export function decodeTransfer(octets: Uint8Array, encoding: string): Buffer | undefined {
  const decoder = createTransferDecoder(encoding);
  if (decoder === undefined) return undefined;
  const decoded = decoder.write(octets);
  const rest = decoder.end();
  return rest.length === 0 ? decoded : Buffer.concat([decoded, rest]);
}

const unchanged: TransferDecoder = { write: asBuffer, end: () => nothing };

function identityDecoder(): TransferDecoder {
  let afterCr = false;
  return {
    write(octets) {
      const wire = toWire(octets, afterCr);
      if (octets.length > 0) afterCr = octets[octets.length - 1] === 13;
      return wire;
    },
    end: () => nothing,
  };
}

/** `=` ends a group and what was begun; more may follow (bodies made of several encoded pieces). */
function base64Decoder(): TransferDecoder {
  let carry = '';
  return {
    write(octets) {
      let text = asBuffer(octets).toString('latin1').split('\n').join('');
      if (/[^A-Za-z0-9+/=]/.test(text)) text = text.replace(/[^A-Za-z0-9+/=]+/g, '');
      text = carry + text;
      const decoded: Buffer[] = [];
      let from = 0;
      for (let pad = text.indexOf('='); pad >= 0; pad = text.indexOf('=', from)) {
        if (pad > from) decoded.push(Buffer.from(text.slice(from, pad), 'base64'));
        from = pad + 1;
      }
      const whole = text.length - ((text.length - from) % 4);
      carry = text.slice(whole);
      if (whole > from) decoded.push(Buffer.from(text.slice(from, whole), 'base64'));
      return decoded.length === 1 ? decoded[0]! : Buffer.concat(decoded);
    },
    end() {
      const rest = Buffer.from(carry, 'base64');
      carry = '';
      return rest;
    },
  };
}

/** Blanks kept until it is known whether a line end follows, which drops them; of longer runs the rest is lost. */
const maximumBlanks = 1024;

class QuotedPrintableDecoder implements TransferDecoder {
  /** What came last: text, `=`, `=` and a hexadecimal digit, or `=` and blanks. */
  #state: 'text' | 'equals' | 'digit' | 'soft' = 'text';
  #digit = 0;
  #afterCr = false;
  readonly #blanks = Buffer.alloc(maximumBlanks);
  #blankCount = 0;
  #out = nothing;
  #length = 0;
  readonly #keepsLineEnds: boolean;

  constructor(keepsLineEnds: boolean) {
    this.#keepsLineEnds = keepsLineEnds;
  }

  write(octets: Uint8Array): Buffer {
    this.#out = Buffer.allocUnsafe(octets.length * 2 + maximumBlanks + 8);
    this.#length = 0;
    for (let at = 0; at < octets.length; ) {
      const end = this.#state === 'text' && !this.#afterCr ? plainEnd(octets, at) : at;
      if (end > at) this.#plain(octets, at, end);
      at = end;
      if (at < octets.length) this.#take(octets[at++]!);
    }
    return this.#out.subarray(0, this.#length);
  }

  end(): Buffer {
    this.#out = Buffer.alloc(maximumBlanks + 8);
    this.#length = 0;
    if (this.#state === 'digit') this.#equalsDigit();
    if (this.#afterCr) this.#literal(13);
    return this.#out.subarray(0, this.#length);
  }

  /** Takes octets that stand for themselves. */
  #plain(octets: Uint8Array, start: number, end: number): void {
    this.#flushBlanks();
    let length = this.#length;
    for (let at = start; at < end; at++) this.#out[length++] = octets[at]!;
    this.#length = length;
  }

  #take(octet: number): void {
    if (this.#state !== 'text') {
      if (this.#takeEscape(octet)) return;
      this.#state = 'text';
    }
    const isCrlf = this.#afterCr && octet === 10;
    if (this.#afterCr) {
      this.#afterCr = false;
      if (!isCrlf) this.#literal(13);
    }
    if (octet === 61) {
      this.#flushBlanks();
      this.#state = 'equals';
    } else if (octet === 32 || octet === 9) {
      if (this.#blankCount < maximumBlanks) this.#blanks[this.#blankCount++] = octet;
    } else if (octet === 13) {
      this.#afterCr = true;
    } else if (octet === 10) {
      this.#blankCount = 0;
      if (isCrlf || !this.#keepsLineEnds) this.#out[this.#length++] = 13;
      this.#out[this.#length++] = 10;
    } else {
      this.#literal(octet);
    }
  }

  /** @returns false if the octet is text, which comes next */
  #takeEscape(octet: number): boolean {
    if (this.#state === 'digit') {
      const value = hexadecimal(octet);
      if (value < 0) {
        this.#equalsDigit();
        return false;
      }
      this.#literal(hexadecimal(this.#digit) * 16 + value);
      this.#state = 'text';
      return true;
    }
    if (octet === 10) {
      this.#state = 'text';
      return true;
    }
    if (octet === 32 || octet === 9 || octet === 13) {
      this.#state = 'soft';
      return true;
    }
    if (this.#state === 'equals' && hexadecimal(octet) >= 0) {
      this.#digit = octet;
      this.#state = 'digit';
      return true;
    }
    this.#literal(61);
    return false;
  }

  #literal(octet: number): void {
    this.#flushBlanks();
    this.#out[this.#length++] = octet;
  }

  /** What looked like an escape was text. */
  #equalsDigit(): void {
    this.#literal(61);
    this.#literal(this.#digit);
  }

  #flushBlanks(): void {
    for (let at = 0; at < this.#blankCount; at++) this.#out[this.#length++] = this.#blanks[at]!;
    this.#blankCount = 0;
  }
}

/** @returns the end of a run of octets without controls, `=`, and blanks that a line end may follow */
function plainEnd(octets: Uint8Array, start: number): number {
  let at = start;
  for (; at < octets.length; at++) {
    const octet = octets[at]!;
    if (octet > 32 && octet !== 61) continue;
    if (at === start || (octet !== 32 && octet !== 9) || !(octets[at + 1]! > 32)) break;
  }
  return at;
}

function hexadecimal(octet: number): number {
  if (octet >= 48 && octet <= 57) return octet - 48;
  const letter = octet | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
