/** What SEARCH looks at in a message: the text of its header fields, and which parts have text (imap-server §10). */
import { displayAddress, parseAddresses } from './address.ts';
import { headerFields } from './header.ts';
import { asciiLower } from './octet-text.ts';
import { isMessageType, type MessageStructure, type Part } from './part.ts';
import { decodeWords, parameterValue } from './words.ts';

const addressFields = new Set([
  'from',
  'sender',
  'reply-to',
  'to',
  'cc',
  'bcc',
  'resent-from',
  'resent-sender',
  'resent-to',
  'resent-cc',
  'resent-bcc',
]);

/**
 * A header field's value as SEARCH sees it: decoded; address fields in the form `Name <user@host>, …`. Not normalised.
 * @param value  as of `headerFields`
 */
export function searchableField(name: string, value: string): string {
  if (!addressFields.has(asciiLower(name))) return decodeWords(value);
  return parseAddresses(value).map(displayAddress).join(', ');
}

/** A leaf whose text SEARCH BODY looks at: text/* and message/* that is no embedded message. */
export interface TextLeaf {
  readonly start: number;
  readonly end: number;
  readonly encoding: string;
  /** Undefined: none given, or us-ascii, which often is a lie. */
  readonly charset: string | undefined;
  /** The header of an embedded message, whose text is `headerText`. */
  readonly isHeader: boolean;
}

export function textLeaves(structure: MessageStructure): TextLeaf[] {
  const leaves: TextLeaf[] = [];
  collect(structure.root, false, leaves);
  return leaves;
}

function collect(part: Part, isEmbedded: boolean, leaves: TextLeaf[]): void {
  if (isEmbedded) {
    const { headerStart: start, bodyStart: end } = part;
    leaves.push({ start, end, encoding: '8bit', charset: undefined, isHeader: true });
  }
  for (const child of part.parts) collect(child, isMessageType(part), leaves);
  if (part.parts.length > 0 || (part.type !== 'text' && part.type !== 'message')) return;
  const label = asciiLower(parameterValue(part.parameters, 'charset') ?? '');
  const charset = label === '' || label === 'us-ascii' ? undefined : label;
  leaves.push({ start: part.bodyStart, end: part.end, encoding: part.encoding, charset, isHeader: false });
}

/** The text of an embedded message's header: `Name: value` lines, decoded. */
export function headerText(header: Uint8Array): string {
  let text = '';
  for (const { name, value } of headerFields(header)) text += `${name}: ${searchableField(name, value)}\n`;
  return text;
}
