export interface HeaderField {
  /** As written; `''` for a line without a colon. */
  readonly name: string;
  /** Latin1, unfolded (line breaks dropped, white space stays), trimmed. */
  readonly value: string;
  /** Range of the whole field in the block, its line end included. */
  readonly start: number;
  readonly end: number;
}

/** The fields of a header block (file or wire octets), up to its empty line or the end. */
export function* headerFields(header: Uint8Array): Generator<HeaderField> {
  yield { name: 'not built yet', value: '', start: 0, end: header.length };
}

/** @returns the first such field's value, or undefined; `name` in any case */
export function headerValue(header: Uint8Array, name: string): string | undefined {
  throw new Error(`not built yet ${header.length} ${name}`);
}
