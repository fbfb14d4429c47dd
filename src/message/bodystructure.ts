/** BODY and BODYSTRUCTURE: RFC 9051 §7.5.2, imap-server §9.1. */
import { envelopeText } from './envelope.ts';
import { type Disposition, isMessageType, type MessageStructure, type Parameter, type Part } from './part.ts';
import { quoted, quotedOrNil } from './wire-text.ts';

/**
 * The body structure in the octets that IMAP sends: `("text" "plain" …)`.
 * @param extended  BODYSTRUCTURE: with extension data
 * @param utf8      the client enabled UTF8=ACCEPT
 */
export function serializeBody(structure: MessageStructure, extended: boolean, utf8: boolean): Buffer {
  return Buffer.from(bodyText(structure.root, extended, utf8), 'latin1');
}

/** The same of a part as latin1 text. */
export function bodyText(part: Part, extended: boolean, utf8: boolean): string {
  if (part.type === 'multipart' && part.parts.length > 0) {
    let parts = '';
    for (const child of part.parts) parts += bodyText(child, extended, utf8);
    const extension = extended ? ` ${parameterList(part.parameters, utf8)}${extensionText(part, utf8)}` : '';
    return `(${parts} ${quoted(part.subtype, utf8)}${extension})`;
  }
  const type = `${quoted(part.type, utf8)} ${quoted(part.subtype, utf8)} ${parameterList(part.parameters, utf8)}`;
  const names = `${quotedOrNil(part.id, utf8)} ${quotedOrNil(part.description, utf8)}`;
  let text = `(${type} ${names} ${quoted(part.encoding, utf8)} ${part.end - part.bodyStart + part.bodyBareLf}`;
  if (isMessageType(part)) {
    const embedded = part.parts[0];
    text += ` ${envelopeText(embedded?.envelope ?? {}, utf8)}`;
    text += ` ${embedded === undefined ? noBody(extended) : bodyText(embedded, extended, utf8)}`;
  }
  if (part.type === 'text' || isMessageType(part)) text += ` ${part.bodyLines}`;
  const extension = extended ? ` ${quotedOrNil(part.md5, utf8)}${extensionText(part, utf8)}` : '';
  return `${text}${extension})`;
}

/** For an embedded message that the limits on depth and parts leave out. */
function noBody(extended: boolean): string {
  return `("text" "plain" NIL NIL NIL "8bit" 0 0${extended ? ' NIL NIL NIL' : ''})`;
}

/** Disposition, language and, where there is one, location: clients of Courier know no fourth field. */
function extensionText(part: Part, utf8: boolean): string {
  const location = part.location === undefined ? '' : ` ${quoted(part.location, utf8)}`;
  return ` ${dispositionText(part.disposition, utf8)} ${languageText(part.languages, utf8)}${location}`;
}

function dispositionText(disposition: Disposition | undefined, utf8: boolean): string {
  if (disposition === undefined) return 'NIL';
  return `(${quoted(disposition.type, utf8)} ${parameterList(disposition.parameters, utf8)})`;
}

function languageText(languages: readonly string[] | undefined, utf8: boolean): string {
  if (languages === undefined) return 'NIL';
  const tags = languages.map((language) => quoted(language, utf8));
  return tags.length === 1 ? tags[0]! : `(${tags.join(' ')})`;
}

function parameterList(parameters: readonly Parameter[], utf8: boolean): string {
  if (parameters.length === 0) return 'NIL';
  let list = '';
  for (const [name, value] of parameters)
    list += `${list === '' ? '(' : ' '}${quoted(name, utf8)} ${quoted(value, utf8)}`;
  return `${list})`;
}
