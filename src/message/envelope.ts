import type { Part } from './structure.ts';

/** ENVELOPE of a message (the root, or an embedded one) as IMAP sends it: `("date" "subject" ((…)) …)`. RFC 9051 §7.5.2. */
export function serializeEnvelope(message: Part, utf8: boolean): Buffer {
  throw new Error(`not built yet ${message.type} ${utf8}`);
}
