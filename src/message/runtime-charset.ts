/**
 * The runtime's TextDecoder as a CharsetDecoder. Fed in pieces, TextDecoder throws for gbk, gb18030 and iso-2022-jp when a
 * broken character spans pieces (its output buffer is too small; Node 26.10). So double-byte charsets are cut where
 * no character can go on, and each piece is decoded on its own.
 */
import type { CharsetDecoder } from './charset.ts';
import { asBuffer } from './octet-text.ts';

const doubleByte = new Set(['gbk', 'gb18030', 'big5', 'euc-kr', 'euc-jp', 'shift_jis', 'iso-2022-jp']);

/** Octets kept at most until a place to cut comes. */
const maximumCarry = 65536;

/** @returns whether TextDecoder knows the charset as mail means it */
export function isRuntimeCharset(name: string): boolean {
  // `utf-16` is little-endian to TextDecoder, whatever its first octets say.
  if (name === 'utf-16') return false;
  try {
    new TextDecoder(name);
    return true;
  } catch {
    return false;
  }
}

/** Finished decoders are used again: making one costs twice its use on a header. */
const idle = new Map<string, TextDecoder>();

export function createRuntimeDecoder(name: string): CharsetDecoder {
  const decoder = idle.get(name) ?? new TextDecoder(name);
  idle.delete(name);
  if (doubleByte.has(decoder.encoding)) return carryingDecoder(decoder);
  return {
    write: (octets) => decoder.decode(octets, { stream: true }),
    end() {
      const rest = decoder.decode();
      idle.set(name, decoder);
      return rest;
    },
  };
}

function carryingDecoder(decoder: TextDecoder): CharsetDecoder {
  // Second octets are above 0x2f; iso-2022-jp shifts back to ASCII before a line end (RFC 1468).
  const isJapaneseShift = decoder.encoding === 'iso-2022-jp';
  let carry = Buffer.alloc(0);
  return {
    write(octets) {
      const all = carry.length === 0 ? asBuffer(octets) : Buffer.concat([carry, octets]);
      let cut = isJapaneseShift ? all.lastIndexOf(10) + 1 : all.length;
      while (!isJapaneseShift && cut > 0 && all[cut - 1]! > 0x2f) cut--;
      if (all.length - cut > maximumCarry) cut = all.length;
      carry = Buffer.from(all.subarray(cut));
      return decoder.decode(all.subarray(0, cut));
    },
    end() {
      const rest = decoder.decode(carry);
      carry = Buffer.alloc(0);
      return rest;
    },
  };
}
