/**
 * What a client searches for, in the words of RFC 3501 §6.4.4, RFC 5032 and RFC 7162 §3.1.5, without any
 * wire syntax: texts are decoded strings, dates are days, sets are ranges.
 */
import type { NumberRanges } from '../base/number-set.ts';

/** Days since 1970-01-01, as `dayNumber` of message/date.ts counts them. */
export type Day = number;

export type SearchKey =
  | { readonly kind: 'all' }
  | { readonly kind: 'and'; readonly keys: readonly SearchKey[] }
  | { readonly kind: 'or'; readonly keys: readonly SearchKey[] }
  | { readonly kind: 'not'; readonly key: SearchKey }
  /** One bit of `flag` of store/flags.ts: SEEN is `{bit: flag.seen, set: true}`, UNSEEN `set: false`. */
  | { readonly kind: 'flag'; readonly bit: number; readonly set: boolean }
  | { readonly kind: 'keyword'; readonly name: string }
  /** \Recent for this session; NEW is RECENT UNSEEN, OLD is NOT RECENT. */
  | { readonly kind: 'recent' }
  | { readonly kind: 'uid'; readonly ranges: NumberRanges }
  | { readonly kind: 'sequence'; readonly ranges: NumberRanges }
  /** What an earlier search found (`$`, RFC 5182): UIDs, ascending. */
  | { readonly kind: 'saved'; readonly uids: Uint32Array }
  /** By the internal date in the server's time zone; SENT* by the Date field's own day, whatever its zone. */
  | { readonly kind: 'before' | 'on' | 'since'; readonly day: Day }
  | { readonly kind: 'sentBefore' | 'sentOn' | 'sentSince'; readonly day: Day }
  /** RFC 5032: internal date within (younger) or not within (older) the last seconds. */
  | { readonly kind: 'younger' | 'older'; readonly seconds: number }
  /** Strictly larger or smaller, in octets as sent to a client, or as the file has them (SMAP). */
  | { readonly kind: 'larger' | 'smaller'; readonly octets: number; readonly of?: 'file' }
  /** A substring of the field's decoded value; FROM, SUBJECT … are this. An empty value: the field exists. */
  | { readonly kind: 'header'; readonly name: string; readonly value: string }
  /** A substring of the decoded text parts; `text` looks at header names and values as well. */
  | { readonly kind: 'body' | 'text'; readonly value: string }
  | { readonly kind: 'modseq'; readonly atLeast: number };
