/**
 * Mailbox names on the wire before UTF8=ACCEPT (RFC 3501 §5.1.3). A JavaScript string is UTF-16 already, so a
 * base64 run is a slice of its code units and characters beyond the BMP need no special case.
 */

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,';

/** `INBOX.Größe & Co` -> `INBOX.Gr&APYA3w-e &- Co`. */
export function encodeModifiedUtf7(name: string): string {
  return name.replace(/&|[^\x20-\x7e]+/g, (run) => (run === '&' ? '&-' : `&${encodeRun(run)}-`));
}

function encodeRun(run: string): string {
  let digits = '';
  let bits = 0;
  let held = 0;
  for (let i = 0; i < run.length; i++) {
    held = (held << 16) | run.charCodeAt(i);
    bits += 16;
    while (bits >= 6) {
      bits -= 6;
      digits += alphabet[(held >> bits) & 63];
    }
    held &= (1 << bits) - 1;
  }
  return bits === 0 ? digits : digits + alphabet[(held << (6 - bits)) & 63];
}

/**
 * The inverse of {@link encodeModifiedUtf7}, for exactly the strings that it writes: one name has one spelling, so
 * nothing can be hidden in an encoded dot, slash or letter.
 * @returns undefined if it is not canonical modified UTF-7
 */
export function decodeModifiedUtf7(text: string): string | undefined {
  if (!text.includes('&')) return /^[\x20-\x7e]*$/.test(text) ? text : undefined;
  const decoded = decodeRuns(text);
  return decoded.isWellFormed() && encodeModifiedUtf7(decoded) === text ? decoded : undefined;
}

/**
 * Decodes what programs before Courier 5.0 made of names, in any spelling.
 * @returns undefined if there is no sense in it
 */
export function decodeLoosely(text: string): string | undefined {
  if (!/^(?:[\x20-%'-\x7e]|&[A-Za-z0-9+,]*-)*$/.test(text)) return undefined;
  const decoded = decodeRuns(text);
  return decoded.isWellFormed() ? decoded : undefined;
}

function decodeRuns(text: string): string {
  return text.replace(/&([^-]*)-/g, (_, digits: string) => (digits === '' ? '&' : decodeRun(digits)));
}

/** Digits outside the alphabet count as nothing: encoding the result again tells. */
function decodeRun(digits: string): string {
  let units = '';
  let bits = 0;
  let held = 0;
  for (const digit of digits) {
    held = (held << 6) | Math.max(0, alphabet.indexOf(digit));
    bits += 6;
    if (bits < 16) continue;
    bits -= 16;
    units += String.fromCharCode((held >> bits) & 0xffff);
    held &= (1 << bits) - 1;
  }
  return units;
}
