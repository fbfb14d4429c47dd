/**
 * Text of octets: strings with one char per octet, before any charset is known.
 * `trim` and `toLowerCase` of JavaScript would damage octets above 127 (NBSP is the end of a UTF-8 "à").
 */

/** Space, tab, CR, LF off both ends. */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}

/** Lower case of A-Z only. */
export function asciiLower(text: string): string {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 65 && code <= 90) return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  }
  return text;
}

/** The same text on its own: strings that are cut out of another keep all of it. */
export function ownCopy(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

export function isBlank(code: number): boolean {
  return code === 32 || code === 9 || code === 10 || code === 13;
}

export function isEightBit(text: string): boolean {
  return /[\x80-\xff]/.test(text);
}

/** A `Buffer` on the same memory. */
export function asBuffer(octets: Uint8Array): Buffer {
  return Buffer.isBuffer(octets)
    ? octets
    : Buffer.from(octets.buffer as ArrayBuffer, octets.byteOffset, octets.length);
}
