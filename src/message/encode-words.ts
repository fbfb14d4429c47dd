/** Text -> encoded words (RFC 2047), UTF-8. */

const prefix = '=?utf-8?';
/** An encoded word has at most 75 octets; `=?utf-8?Q?` and `?=` take 12. */
const roomOctets = 63;

/** Words that are ASCII stay; runs of others become encoded words, joined with spaces. */
export function encodeWords(text: string): string {
  if (!/[^\x00-\x7f]/.test(text)) return text;
  const words = text.split(' ');
  const result: string[] = [];
  for (let at = 0; at < words.length; at++) {
    if (!needsEncoding(words[at]!)) {
      result.push(words[at]!);
      continue;
    }
    let end = at + 1;
    while (end < words.length && needsEncoding(words[end]!)) end++;
    let run = words.slice(at, end).join(' ');
    // Blanks between two encoded words vanish when read: they go into the word.
    if (isEncodedWord(words[at - 1])) run = ` ${run}`;
    if (isEncodedWord(words[end])) run = `${run} `;
    result.push(encodeRun(run));
    at = end - 1;
  }
  return result.join(' ');
}

function needsEncoding(word: string): boolean {
  return /[^\x00-\x7f]/.test(word);
}

function isEncodedWord(word: string | undefined): boolean {
  return word !== undefined && /^=\?.*\?=$/.test(word);
}

function encodeRun(run: string): string {
  const octets = Buffer.byteLength(run);
  const special = Buffer.from(run).reduce((count, octet) => count + (isSafe(octet) ? 0 : 1), 0);
  const useQ = octets + 2 * special <= Math.ceil(octets / 3) * 4;
  const size = (char: string) => (useQ ? qEncode(char).length : (Buffer.byteLength(char) * 4) / 3);
  const room = useQ ? roomOctets : 60;
  const pieces: string[] = [];
  let piece = '';
  let used = 0;
  for (const char of run) {
    const more = size(char);
    if (used + more > room) {
      pieces.push(piece);
      piece = '';
      used = 0;
    }
    piece += char;
    used += more;
  }
  pieces.push(piece);
  return pieces
    .map((text) =>
      useQ ? `${prefix}Q?${qEncode(text)}?=` : `${prefix}B?${Buffer.from(text).toString('base64')}?=`,
    )
    .join(' ');
}

function qEncode(text: string): string {
  let value = '';
  for (const octet of Buffer.from(text)) {
    if (octet === 32) value += '_';
    else
      value += isSafe(octet)
        ? String.fromCharCode(octet)
        : `=${octet.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return value;
}

/** What may stand in a Q word anywhere, also in a phrase (RFC 2047 §5): letters, digits, `!*+-/`, and `_` for a space. */
function isSafe(octet: number): boolean {
  return /[A-Za-z0-9!*+\-/ ]/.test(String.fromCharCode(octet));
}
