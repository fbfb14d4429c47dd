import { MailError } from '../../base/mail-error.ts';
import { decodeModifiedUtf7, encodeModifiedUtf7 } from '../../store/modified-utf7.ts';
import { octetsToText, textToOctets } from '../../store/names.ts';
import { quoted } from '../writer.ts';
import type { ArgumentReader } from './arguments.ts';

/**
 * A mailbox name as the client writes it, decoded: modified UTF-7, or UTF-8 after ENABLE UTF8=ACCEPT.
 * @throws {MailError} invalidName: it is not properly encoded
 */
export function readMailbox(args: ArgumentReader, utf8: boolean): string {
  return decodeMailbox(args.astring().octets, utf8);
}

/** LIST's reference and patterns; NIL is ''. */
export function readPattern(args: ArgumentReader, utf8: boolean): string {
  return args.acceptNil() ? '' : readMailbox(args, utf8);
}

function decodeMailbox(octets: Buffer, utf8: boolean): string {
  const text = octets.toString('latin1');
  if (/^[\x20-\x25\x27-\x7e]*$/.test(text)) return text;
  const name = utf8 ? octetsToText(text) : decodeModifiedUtf7(text);
  if (name === undefined) throw new MailError('invalidName', 'Invalid mailbox name.');
  return name;
}

/** A mailbox name to send: quoted, latin1 for octets. */
export function mailboxName(name: string, utf8: boolean): string {
  if (/^[\x20-\x21\x23-\x25\x27-\x5b\x5d-\x7e]*$/.test(name)) return `"${name}"`;
  return quoted(utf8 ? (textToOctets(name) ?? '') : encodeModifiedUtf7(name));
}
