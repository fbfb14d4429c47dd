/**
 * What is known of a message after one pass over its octets: header and body offsets of every part, line counts,
 * and the header fields that ENVELOPE and BODYSTRUCTURE are made of.
 *
 * Offsets count the octets of the file. On the wire every LF that no CR precedes becomes CRLF, so
 * `wire octets = file octets + bare LFs`; the bare LFs of each range are counted here.
 */

/** The header fields ENVELOPE and threading need: latin1 (a char an octet), unfolded, repeated ones joined with `,`. */
export interface EnvelopeFields {
  date?: string;
  subject?: string;
  from?: string;
  sender?: string;
  replyTo?: string;
  to?: string;
  cc?: string;
  bcc?: string;
  inReplyTo?: string;
  messageId?: string;
  references?: string;
}

/** A name and its value, latin1; names are lower case, values as written (RFC 2231 pieces stay apart: `name*0`). */
export type Parameter = readonly [name: string, value: string];

export interface Disposition {
  readonly type: string;
  readonly parameters: readonly Parameter[];
}

/** A MIME part, a multipart, or a message. All text is latin1: one char an octet. */
export interface Part {
  /** Lower case: `text`. */
  type: string;
  /** Lower case, `''` if the header names none. */
  subtype: string;
  parameters: readonly Parameter[];
  /** Content-ID as written: `<a@b>`. */
  id?: string;
  description?: string;
  /** Lower case; `8bit` if no header names one (imap-server §9.1). */
  encoding: string;
  md5?: string;
  disposition?: Disposition;
  /** Content-Language, its tags apart. */
  languages?: readonly string[];
  location?: string;
  headerStart: number;
  /** Behind the empty line that ends the header. */
  bodyStart: number;
  /** Before the line break that belongs to the boundary line. */
  end: number;
  /** LFs in the file before `headerStart` that no CR precedes. */
  bareLfBefore: number;
  /** The same within the header (`headerStart` to `bodyStart`) ... */
  headerBareLf: number;
  /** ... and within the body (`bodyStart` to `end`). */
  bodyBareLf: number;
  /** LFs within the body. */
  bodyLines: number;
  /** A multipart's parts; of message/rfc822 and message/global the one embedded message (none past a limit); else empty. */
  parts: Part[];
  /** Set for messages: the root and embedded ones. */
  envelope?: EnvelopeFields;
}

export interface MessageStructure {
  root: Part;
  /** Octets of the file. */
  sizeOctets: number;
  /** RFC822.SIZE: octets with every line end CRLF. */
  wireOctets: number;
  /** A header of the message, or of a part, has octets above 127. */
  headerHasEightBit: boolean;
  /** Per 64 KiB of the file: bare LFs before that octet, doubled, plus one if a CR is right before it. See `line-ends.ts`. */
  marks: readonly number[];
}

/** Octets between two entries of `MessageStructure.marks`. */
export const markInterval = 65536;

/** A part whose body is a message of its own. */
export function isMessageType(part: Part): boolean {
  return part.type === 'message' && (part.subtype === 'rfc822' || part.subtype === 'global');
}

/** What a part is unless its header says otherwise (imap-server §9.1), all its ends where it begins. */
export function newPart(headerStart: number, bareLfBefore: number): Part {
  return {
    type: 'text',
    subtype: 'plain',
    parameters: [],
    encoding: '8bit',
    headerStart,
    bodyStart: headerStart,
    end: headerStart,
    bareLfBefore,
    headerBareLf: 0,
    bodyBareLf: 0,
    bodyLines: 0,
    parts: [],
  };
}

/** What a part has unless its header says otherwise. */
export function inherit(part: Part, parent: Part): void {
  if (parent.encoding === '7bit' || parent.encoding === 'binary') part.encoding = parent.encoding;
  if (parent.subtype === 'digest') {
    part.type = 'message';
    part.subtype = 'rfc822';
  } else {
    part.parameters = parent.parameters.filter(([name]) => name === 'charset');
  }
}
