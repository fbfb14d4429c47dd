/**
 * Writing short texts and numbers four octets at a time, for the one answer that has hundreds of thousands of them.
 * Each write may spoil up to `slackOctets` behind its end, where the next one goes.
 */

export const slackOctets = 3;
/** Digits of the largest number, 2^32 - 1. */
export const mostDigits = 10;

/** Octets, filled up to whole words. */
export interface OctetWords {
  readonly words: Uint32Array;
  readonly length: number;
}

export function octetWords(octets: Uint8Array): OctetWords {
  const words = new Uint32Array((octets.length + slackOctets) >> 2);
  const view = new DataView(words.buffer);
  for (let i = 0; i < octets.length; i++) view.setUint8(i, octets[i]!);
  for (let i = 0; i < words.length; i++) words[i] = view.getUint32(4 * i, true);
  return { words, length: octets.length };
}

/** @returns where they end */
export function putWords(view: DataView, at: number, { words, length }: OctetWords): number {
  for (let i = 0; i < words.length; i++) view.setUint32(at + 4 * i, words[i]!, true);
  return at + length;
}

/** The digits of 0 … 9999, with zeros in front and without, and how many the latter are. */
const long = new Uint32Array(10_000);
const short = new Uint32Array(10_000);
const digits = new Uint8Array(10_000);
for (let value = 0; value < 10_000; value++) {
  const thousands = (value / 1000) | 0;
  const hundreds = ((value / 100) | 0) % 10;
  const tens = ((value / 10) | 0) % 10;
  long[value] = 0x30303030 + thousands + (hundreds << 8) + (tens << 16) + ((value % 10) << 24);
  digits[value] = value < 10 ? 1 : value < 100 ? 2 : value < 1000 ? 3 : 4;
  short[value] = long[value]! >>> (8 * (4 - digits[value]!));
}

/** Writes an integer of [0, 2^32) in decimal. @returns where it ends */
export function putDecimal(view: DataView, at: number, value: number): number {
  if (value < 10_000) return putShort(view, at, value);
  if (value >= 100_000_000) {
    const front = Math.floor(value / 100_000_000);
    const rest = value - front * 100_000_000;
    const higher = (rest / 10_000) | 0;
    const behind = putShort(view, at, front);
    view.setUint32(behind, long[higher]!, true);
    view.setUint32(behind + 4, long[rest - higher * 10_000]!, true);
    return behind + 8;
  }
  const higher = (value / 10_000) | 0;
  const behind = putShort(view, at, higher);
  view.setUint32(behind, long[value - higher * 10_000]!, true);
  return behind + 4;
}

function putShort(view: DataView, at: number, value: number): number {
  view.setUint32(at, short[value]!, true);
  return at + digits[value]!;
}
