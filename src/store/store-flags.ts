export interface FlagChange {
  readonly mode: 'add' | 'remove' | 'replace';
  /** Bits of `flag`. */
  readonly flags: number;
  readonly keywords: readonly string[];
  /** Bits this request may touch (rights); default all. */
  readonly mask?: number;
  /** Whether it may touch keywords (rights); default true. */
  readonly keywordsAllowed?: boolean;
}
