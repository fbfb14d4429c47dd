import type { MessageStructure } from './structure.ts';

/** BODY (`extended` false) or BODYSTRUCTURE as IMAP sends it: `("text" "plain" …)`. RFC 9051 §7.5.2, imap-server §9.1. */
export function serializeBody(structure: MessageStructure, extended: boolean, utf8: boolean): Buffer {
  throw new Error(`not built yet ${structure.sizeOctets} ${extended} ${utf8}`);
}
