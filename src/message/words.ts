/** Header text (latin1, unfolded) -> text: encoded words (RFC 2047) decoded, raw 8-bit octets read as UTF-8, else as windows-1252. */
export function decodeWords(value: string): string {
  throw new Error(`not built yet ${value}`);
}

/** Text -> encoded words of at most 75 octets each, joined with spaces, as UTF-8; pure ASCII stays. */
export function encodeWords(text: string): string {
  throw new Error(`not built yet ${text}`);
}

/** A parameter's decoded value (RFC 2231: `name*0*=utf-8''…`, `name*1=…`; also encoded words, as many senders do). */
export function parameterValue(
  parameters: readonly (readonly [name: string, value: string])[],
  name: string,
): string | undefined {
  throw new Error(`not built yet ${parameters.length} ${name}`);
}
