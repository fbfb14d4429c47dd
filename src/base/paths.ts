/** What fs functions take: text that is pure ASCII, or octets. */
export type OctetPath = string | Buffer;

/**
 * Joins path parts given as latin1 strings (one char per octet, as `readdir(dir, 'latin1')` gives names) into
 * what fs functions take: the string itself if it is pure ASCII, else a Buffer of its octets.
 */
export function octetPath(...parts: string[]): OctetPath {
  const path = parts.length === 1 ? parts[0]! : parts.join('/');
  return isAscii(path) ? path : Buffer.from(path, 'latin1');
}

/** The latin1 string of a path that came as text (a setting, an argument). */
export function pathOctets(path: string): string {
  return isAscii(path) ? path : Buffer.from(path, 'utf8').toString('latin1');
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}
