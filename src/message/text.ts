import type { ReadAt } from './line-ends.ts';
import type { MessageStructure } from './part.ts';

/** Text as SEARCH compares it: Unicode lower case, runs of white space one space (imap-server §10). Not trimmed. */
export function normalizeText(text: string): string {
  throw new Error(`not built yet ${text}`);
}

/** A header field's value as SEARCH sees it: decoded; address fields in rendered form `Name <user@host>`. Not normalised. */
export function searchableField(name: string, value: string): string {
  throw new Error(`not built yet ${name} ${value}`);
}

/** A leaf whose text SEARCH BODY looks at: text/* and message/* that is not an embedded message. */
export interface TextLeaf {
  readonly start: number;
  readonly end: number;
  readonly encoding: string;
  /** Undefined: none given. */
  readonly charset: string | undefined;
}

export function textLeaves(structure: MessageStructure): TextLeaf[] {
  throw new Error(`not built yet ${structure.sizeOctets}`);
}

/** The decoded, normalised body text in pieces of some 64 KB; a match may run across pieces and parts: keep an overlap. */
export function* searchableBody(structure: MessageStructure, read: ReadAt): Generator<string> {
  yield `not built yet ${structure.sizeOctets} ${read.length}`;
}
