/**
 * Folder names and directories (maildir-store §2).
 *
 * Inside the server a folder is `INBOX` or `INBOX.a.b`, a decoded string; on disk it is the maildir itself or its
 * entry `.a.b`, octets that are meant to be UTF-8. Octets that are not (folders of other programs) must neither end
 * a session nor become unreachable, so each stray octet is shown as one private-use character U+EF80 to U+EFFF
 * (as the MirBSD OPTU encodings do), and so is each octet of a real character from that range: the mapping is one to
 * one, such folders can be listed, opened, renamed and deleted, but new ones cannot be made.
 */
import { MailError } from '../base/mail-error.ts';

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const strayOctets = /[\uef80-\uefff]/;
const strayBase = 0xef00;
/** NAME_MAX of every Linux file system. */
const longestEntry = 255;

/** What a line of octets, one character each, says in text. */
export function octetsToText(octets: string): string {
  if (/^[\x00-\x7f]*$/.test(octets)) return octets;
  const bytes = Buffer.from(octets, 'latin1');
  const whole = decodeStrict(bytes);
  if (whole !== undefined) return whole;
  let text = '';
  for (let i = 0; i < bytes.length; ) {
    const length = sequenceLength(bytes[i]);
    const character = length > 0 ? decodeStrict(bytes.subarray(i, i + length)) : undefined;
    text += character ?? String.fromCharCode(strayBase + bytes[i]);
    i += character === undefined ? 1 : length;
  }
  return text;
}

function decodeStrict(bytes: Uint8Array): string | undefined {
  try {
    const text = strictUtf8.decode(bytes);
    return strayOctets.test(text) ? undefined : text;
  } catch {
    return undefined; // not UTF-8
  }
}

function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xc2) return 0;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

/** The inverse of {@link octetsToText}; undefined if no octets read as this text. */
export function textToOctets(text: string): string | undefined {
  if (/^[\x00-\x7f]*$/.test(text)) return text;
  if (!text.isWellFormed()) return undefined;
  const octets = text
    .split(/([\uef80-\uefff])/)
    .map((piece) =>
      piece.length === 1 && strayOctets.test(piece)
        ? String.fromCharCode(piece.charCodeAt(0) - strayBase)
        : Buffer.from(piece).toString('latin1'),
    )
    .join('');
  return octetsToText(octets) === text ? octets : undefined;
}

/**
 * The directory entry of a folder: `INBOX` -> '' (the maildir itself), `INBOX.Größe` -> `.GrÃ¶Ãe`, an octet a character.
 * @throws {MailError} invalidName
 */
export function entryOfName(name: string): string {
  if (name === 'INBOX') return '';
  const octets = textToOctets(name);
  if (octets === undefined || !isFolderName(name) || octets.length - 5 > longestEntry)
    throw new MailError('invalidName', 'Invalid mailbox name.');
  return octets.slice(5);
}

/** The folder a directory entry is: `.a.b` -> `INBOX.a.b`; undefined if it is none: `.`, `..x`, `.a.`. */
export function nameOfEntry(entry: string): string | undefined {
  if (!entry.startsWith('.')) return undefined;
  const name = `INBOX${octetsToText(entry)}`;
  return isFolderName(name) ? name : undefined;
}

/** Whether a name can be one of a folder's: INBOX in upper case, no empty component, no slash. */
export function isFolderName(name: string): boolean {
  return (name === 'INBOX' || name.startsWith('INBOX.')) && !/\.\.|\.$|[/\0]/.test(name);
}

/** Spells the first component as it is spelt inside: `inbox.x` -> `INBOX.x`; other names as they are. */
export function canonicalInbox(name: string): string {
  return /^inbox(?:\.|$)/i.test(name) ? `INBOX${name.slice(5)}` : name;
}

/**
 * Checks a name that is to be created, renamed to or subscribed, where names that merely exist are allowed more.
 * @param astral  whether characters beyond the Basic Multilingual Plane may be used: they end Courier's sessions
 * @throws {MailError} invalidName
 */
export function checkNewName(name: string, astral: boolean): void {
  const bad =
    !name.isWellFormed() ||
    /[\p{Cc}\p{Noncharacter_Code_Point}\u2028\u2029\ufffd]/u.test(name) ||
    strayOctets.test(name) ||
    (!astral && /[\u{10000}-\u{10ffff}]/u.test(name));
  if (bad) throw new MailError('invalidName', 'Invalid mailbox name.');
}

/** The names above a folder, nearest first: `INBOX.a.b` -> `INBOX.a`, `INBOX`. */
export function* parentsOf(name: string): Generator<string> {
  for (let dot = name.lastIndexOf('.'); dot > 0; dot = name.lastIndexOf('.', dot - 1))
    yield name.slice(0, dot);
}

/**
 * A folder's own name, which may have any characters, as a component of folder names: control characters and
 * `. / ~ : \` in octal, so that `a.b` is `a\056b` (smap §3).
 */
export function encodeFolderWord(word: string): string {
  return word.replace(
    /[\x00-\x1f\x7f./~:\\]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
}

/** The inverse of {@link encodeFolderWord}; what is no octal stays. */
export function decodeFolderWord(component: string): string {
  return component.replace(/\\([0-3][0-7]{2})/g, (_all, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
