import type { Append, Appended } from './append.ts';
import type { Copied, CopyOptions } from './copy.ts';
import type { ExpungeOptions } from './expunge.ts';
import type { OpenMessage } from './open-message.ts';
import type { StoreSettings } from './settings.ts';
import type { FlagChange } from './store-flags.ts';

/**
 * One folder, shared by all sessions of the process; `openFolder` gives it. Rows are sorted by UID; the columns
 * are valid for [0, count). `uids` is never changed in place where a row was visible: an append writes behind
 * `count` (or reallocates), an expunge makes a new array; so (uids, count) is a snapshot for free.
 */
export class Folder {
  /** Path of the folder's directory, a latin1 string. */
  declare readonly directory: string;
  declare readonly settings: StoreSettings;
  declare readonly uidValidity: number;
  declare readonly uidNext: number;
  /** In memory, from 1; every change of a row takes the next. */
  declare readonly highestModseq: number;
  declare readonly count: number;
  declare readonly uids: Uint32Array;
  /** Bits of `flag`. */
  declare readonly flags: Uint8Array;
  /** Index into `keywordSets`; 0 is the empty set. */
  declare readonly keywordSet: Uint32Array;
  declare readonly keywordSets: readonly (readonly string[])[];
  declare readonly modseqs: Float64Array;
  /** Every keyword in use or used since the folder was loaded, in the first spelling met; octets as latin1. */
  declare readonly keywords: readonly string[];
  /** UIDs that no session has taken as \Recent yet, ascending. */
  declare readonly recent: readonly number[];

  /** The row of a UID, or -1. */
  declare rowOf: (uid: number) => number;
  /** The message's file name with its info, a latin1 string. */
  declare fileName: (row: number) => string;
  /** The file name without its info: what identifies the message on disk. */
  declare baseName: (row: number) => string;
  /** Whether the disk may have changed: a few microseconds. */
  declare isDirty: () => boolean;
  /** Brings the columns up to date with the disk, proportional to what changed. @throws {MailError} notFound, unavailable */
  declare refresh: () => Promise<void>;
  /** Rows changed or added after that modseq, ascending. */
  declare changesSince: (modseq: number) => number[];
  /** UIDs removed after that modseq, ascending; 'unknown' if it is too long ago: compare snapshots. */
  declare expungedSince: (modseq: number) => number[] | 'unknown';
  /** Takes the UIDs nobody has been told of as \Recent yet. */
  declare claimRecent: () => number[];
  /** Called (coalesced) after the columns changed, and when the disk did. Returns how to stop. */
  declare onChange: (listener: () => void) => () => void;
  /** @throws {MailError} expunged, unavailable */
  declare open: (row: number) => OpenMessage;
  /** Seconds since 1970. @throws {MailError} expunged, unavailable */
  declare internalDate: (row: number) => number;
  declare storeFlags: (uids: Iterable<number>, change: FlagChange) => Promise<void>;
  /** Removes messages, or moves them to a trash folder. @returns the UIDs that are really gone, ascending */
  declare expunge: (uids: Iterable<number>, options?: ExpungeOptions) => Promise<number[]>;
  declare startAppend: () => Promise<Append>;
  /** All or nothing (MULTIAPPEND). */
  declare commitAppends: (appends: readonly Append[]) => Promise<Appended>;
  declare copyFrom: (source: Folder, uids: readonly number[], options?: CopyOptions) => Promise<Copied>;
  declare moveFrom: (source: Folder, uids: readonly number[], options?: CopyOptions) => Promise<Copied>;
  /** Gives the reference back. */
  declare close: () => void;
}
