/** The base subject that SORT and THREAD compare: RFC 5256 §2.1. */

const blob = String.raw`\[[^[\]]*\] ?`;
const trailer = /(?: |\(fwd\))$/i;
const leader = new RegExp(`^(?:(?:${blob})*(?:re|fwd?) ?(?:${blob})?:| )`, 'i');
const leadingBlob = new RegExp(`^${blob}`);
const forwarded = /^\[fwd:(.*)\]$/i;

/** Longer subjects are compared by their beginning. */
const maximumLength = 4096;

/**
 * @param decodedSubject  after `decodeWords`
 * @returns the base in upper case, white space squeezed; `isReplyOrForward`: a `re`, `fw`, `fwd` was taken away
 */
export function baseSubject(decodedSubject: string): { base: string; isReplyOrForward: boolean } {
  let text = decodedSubject.slice(0, maximumLength).replace(/\s+/g, ' ');
  let isReplyOrForward = false;
  for (;;) {
    for (let match = trailer.exec(text); match !== null; match = trailer.exec(text)) {
      if (match[0] !== ' ') isReplyOrForward = true;
      text = text.slice(0, match.index);
    }
    for (let length = leaderLength(text); length > 0; length = leaderLength(text)) {
      const isColon = text[length - 1] === ':';
      if (isColon) isReplyOrForward = true;
      text = text.slice(length);
    }
    const inner = forwarded.exec(text);
    if (inner === null) return { base: text.toUpperCase(), isReplyOrForward };
    isReplyOrForward = true;
    text = inner[1]!;
  }
}

/** Of the leader, or of a blob that something follows. */
function leaderLength(text: string): number {
  const length = leader.exec(text)?.[0].length ?? 0;
  if (length > 0) return length;
  const blobLength = leadingBlob.exec(text)?.[0].length ?? 0;
  return blobLength < text.length ? blobLength : 0;
}
