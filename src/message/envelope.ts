/** ENVELOPE: RFC 9051 §7.5.2, imap-server §9.2. */
import { parseAddresses } from './address.ts';
import type { EnvelopeFields, Part } from './part.ts';
import { quotedOrNil } from './wire-text.ts';

/**
 * ENVELOPE of a message (the root, or an embedded one), in the octets that IMAP sends: `("date" "subject" ((…)) …)`.
 * @param utf8  the client enabled UTF8=ACCEPT: 8-bit text as UTF-8, else as encoded words
 */
export function serializeEnvelope(message: Part, utf8: boolean): Buffer {
  return Buffer.from(envelopeText(message.envelope ?? {}, utf8), 'latin1');
}

/** The same as latin1 text, to be put into a BODYSTRUCTURE. */
export function envelopeText(fields: EnvelopeFields, utf8: boolean): string {
  const from = addressList(fields.from, utf8);
  // RFC 9051: absent or empty Sender and Reply-To are those of From.
  const sender = addressList(fields.sender, utf8);
  const replyTo = addressList(fields.replyTo, utf8);
  return `(${[
    quotedOrNil(fields.date, utf8),
    quotedOrNil(fields.subject, utf8),
    from,
    sender === 'NIL' ? from : sender,
    replyTo === 'NIL' ? from : replyTo,
    addressList(fields.to, utf8),
    addressList(fields.cc, utf8),
    addressList(fields.bcc, utf8),
    quotedOrNil(fields.inReplyTo, utf8),
    quotedOrNil(fields.messageId, utf8),
  ].join(' ')})`;
}

function addressList(value: string | undefined, utf8: boolean): string {
  if (value === undefined || value === '') return 'NIL';
  let list = '';
  for (const address of parseAddresses(value)) {
    if (address.kind === 'groupStart') list += `(NIL NIL ${quotedOrNil(address.name, utf8)} NIL)`;
    else if (address.kind === 'groupEnd') list += '(NIL NIL NIL NIL)';
    else {
      const name = quotedOrNil(address.name, utf8);
      const route = quotedOrNil(address.route, utf8);
      list += `(${name} ${route} ${quotedOrNil(address.mailbox, utf8)} ${quotedOrNil(address.host, utf8)})`;
    }
  }
  return list === '' ? 'NIL' : `(${list})`;
}
