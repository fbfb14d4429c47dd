/**
 * The kinds of things that are computed of a message and kept in the message cache. The numbers are in the cache
 * files: a form that changes gets a new number, and none is used again.
 */
export const computed = {
  /** Sizes, and ENVELOPE and BODYSTRUCTURE as they are sent: `description-record.ts`. */
  description: 1,
  /** Offsets of all parts: `structure-record.ts`. */
  structure: 2,
  /** BODY as it is sent. */
  body: 3,
  /** The same for clients that enabled UTF8=ACCEPT, where that makes a difference. */
  descriptionUtf8: 4,
  bodyUtf8: 5,
  /** The message's main header, as in the file. */
  header: 6,
  /** Sort keys and thread references: what SEARCH, SORT and THREAD need of the header. */
  facts: 7,
  /** Decoded text to search in. */
  text: 8,
  /** Where in the message there is text to search in. */
  textLeaves: 9,
  /** PREVIEW, in UTF-8. */
  preview: 10,
} as const;

/** A number of {@link computed}. */
export type ComputedKind = (typeof computed)[keyof typeof computed];
