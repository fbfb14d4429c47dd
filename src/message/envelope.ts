/** ENVELOPE: RFC 9051 §7.5.2, imap-server §9.2. */
import { parseAddresses } from './address.ts';
import { ownCopy } from './octet-text.ts';
import type { EnvelopeFields } from './part.ts';
import { quotedOrNil } from './wire-text.ts';

/**
 * ENVELOPE of a message (the root, or an embedded one) as IMAP sends it, latin1: `("date" "subject" ((…)) …)`.
 * @param utf8  the client enabled UTF8=ACCEPT: 8-bit text as UTF-8, else as encoded words
 */
export function envelopeText(fields: EnvelopeFields, utf8: boolean): string {
  const from = addressList(fields.from, utf8);
  // RFC 9051: absent or empty Sender and Reply-To are those of From.
  const sender = addressList(fields.sender, utf8);
  const replyTo = addressList(fields.replyTo, utf8);
  const text = `(${quotedOrNil(fields.date, utf8)} ${quotedOrNil(fields.subject, utf8)} ${from}`;
  const replies = `${sender === 'NIL' ? from : sender} ${replyTo === 'NIL' ? from : replyTo}`;
  const others = `${addressList(fields.to, utf8)} ${addressList(fields.cc, utf8)} ${addressList(fields.bcc, utf8)}`;
  const ids = `${quotedOrNil(fields.inReplyTo, utf8)} ${quotedOrNil(fields.messageId, utf8)}`;
  return `${text} ${replies} ${others} ${ids})`;
}

/** Lists made lately, by the field's text: people write to each other again and again. */
const lately = new Map<string, string>();
const mostLately = 2000;
const longestLately = 200;

function addressList(value: string | undefined, utf8: boolean): string {
  if (value === undefined || value === '') return 'NIL';
  if (utf8 || value.length > longestLately) return addressListOf(value, utf8);
  const known = lately.get(value);
  if (known !== undefined) return known;
  if (lately.size === mostLately) lately.clear();
  const list = addressListOf(value, false);
  lately.set(ownCopy(value), ownCopy(list));
  return list;
}

function addressListOf(value: string, utf8: boolean): string {
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
