/** Octets of a charset -> text, in any pieces; broken octets become U+FFFD. */
export interface CharsetDecoder {
  write(octets: Uint8Array): string;
  end(): string;
}

/** `label` as in MIME, any case. */
export function isKnownCharset(label: string): boolean {
  throw new Error(`not built yet ${label}`);
}

/** @returns undefined if the charset is unknown */
export function createCharsetDecoder(label: string): CharsetDecoder | undefined {
  throw new Error(`not built yet ${label}`);
}

/** @returns undefined if the charset is unknown */
export function decodeCharset(octets: Uint8Array, label: string): string | undefined {
  throw new Error(`not built yet ${label} ${octets.length}`);
}
