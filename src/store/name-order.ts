/**
 * The order in which new messages get their UIDs (maildir-store §4.5): by the number a name begins with, then by
 * octets up to the first colon. Names are latin1 strings.
 */
export function compareNames(a: string, b: string): number {
  const difference = leadingNumber(a) - leadingNumber(b);
  if (difference !== 0 && !Number.isNaN(difference)) return difference;
  const left = upToColon(a);
  const right = upToColon(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** C's strtol, base 10: white space, a sign, digits; 0 without digits. */
function leadingNumber(name: string): number {
  const digits = /^[ \t\n\v\f\r]*([+-]?\d+)/.exec(name);
  return digits ? Number(digits[1]) : 0;
}

function upToColon(name: string): string {
  const colon = name.indexOf(':');
  return colon < 0 ? name : name.slice(0, colon);
}

/** Length of the base name: up to, without, the last colon (maildir-store §4.1). */
export function baseLength(name: string): number {
  const colon = name.lastIndexOf(':');
  return colon < 0 ? name.length : colon;
}
