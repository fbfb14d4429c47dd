import { lstatSync, type Stats, statSync } from 'node:fs';
import { octetPath } from '../base/paths.ts';
import { Append, type Appended, commitAppends } from './append.ts';
import { type Copied, type CopyOptions, copyMessages, moveMessages } from './copy.ts';
import { type ExpungeOptions, expunge } from './expunge.ts';
import type { FolderState, RemovedMessage } from './folder-state.ts';
import { openMessage, readSmallMessage } from './link-folder.ts';
import { sizeInName } from './maildirsize.ts';
import type { MessageCache } from './message-cache.ts';
import type { OpenMessage } from './open-message.ts';
import { refresh } from './refresh.ts';
import { withFile } from './relocate.ts';
import type { StoreSettings } from './settings.ts';
import * as steps from './steps.ts';
import { type FlagChange, storeFlags } from './store-flags.ts';

export type { Append, Appended } from './append.ts';
export type { Copied, CopyOptions } from './copy.ts';
export type { ExpungeOptions } from './expunge.ts';
export type { RemovedMessage } from './folder-state.ts';
export type { StoreSettings } from './settings.ts';
export type { FlagChange } from './store-flags.ts';

/**
 * One folder, shared by all sessions of the process; `openFolder` gives it. Rows are sorted by UID; the columns
 * are valid for [0, count). `uids` is never changed in place where a row was visible: an append writes behind
 * `count` (or reallocates), an expunge makes a new array; so (uids, count) is a snapshot for free.
 */
export class Folder {
  /** Only for the modules of `store/`. */
  readonly state: FolderState;
  readonly #onClose: () => void;

  /** @param onClose  gives one reference back */
  constructor(state: FolderState, onClose: () => void) {
    this.state = state;
    this.#onClose = onClose;
  }

  /** Path of the folder's directory, a latin1 string. */
  get directory(): string {
    return this.state.directory;
  }

  get settings(): StoreSettings {
    return this.state.settings;
  }

  get uidValidity(): number {
    return this.state.uidValidity;
  }

  get uidNext(): number {
    return this.state.uidNext;
  }

  /** In memory, from 1; every change of a row takes the next. */
  get highestModseq(): number {
    return this.state.modseq;
  }

  get count(): number {
    return this.state.columns.count;
  }

  get uids(): Uint32Array {
    return this.state.columns.uids;
  }

  /** Bits of `flag`. */
  get flags(): Uint8Array {
    return this.state.columns.flags;
  }

  /** Index into `keywordSets`; 0 is the empty set. */
  get keywordSet(): Uint32Array {
    return this.state.columns.keywordSet;
  }

  get keywordSets(): readonly (readonly string[])[] {
    return this.state.keywordTable.sets;
  }

  get modseqs(): Float64Array {
    return this.state.columns.modseqs;
  }

  /** Every keyword in use or used since the folder was loaded, in the first spelling met; octets as latin1. */
  get keywords(): readonly string[] {
    return this.state.keywordTable.names;
  }

  /** UIDs that no session has taken as \Recent yet, ascending. */
  get recent(): readonly number[] {
    return this.state.recent;
  }

  /** The row of a UID, or -1. */
  rowOf(uid: number): number {
    return this.state.columns.rowOf(uid);
  }

  /** The UID of the message with a base name; 0 if there is none. */
  uidOfBaseName(base: string): number {
    return this.state.columns.names.find(base, base.length);
  }

  /** The message's file name with its info, a latin1 string. */
  fileName(row: number): string {
    return this.state.columns.fileName(row);
  }

  /** The file name without its info: what identifies the message on disk. */
  baseName(row: number): string {
    return this.state.columns.baseName(row);
  }

  /** What was computed of the messages, kept for all sessions and processes; kinds are in `computed.ts`. */
  get computed(): MessageCache {
    return this.state.cache;
  }

  /** Whether the disk may have changed: a few microseconds. */
  isDirty(): boolean {
    return this.state.isDirty();
  }

  /** Whether there is news of the disk: next to nothing, for a session that asks at every command. */
  hasNews(): boolean {
    return this.state.hasNews();
  }

  /**
   * Brings the columns up to date with the disk, proportional to what changed.
   * @throws {MailError} notFound: the folder was removed; unavailable: it cannot be read, or its UIDs changed
   */
  refresh(): Promise<void> {
    return refresh(this.state);
  }

  /** Rows changed or added after that modseq, ascending. */
  changesSince(modseq: number): number[] {
    return this.state.changesSince(modseq);
  }

  /** UIDs removed after that modseq, ascending; 'unknown' if it is too long ago: compare snapshots. */
  expungedSince(modseq: number): number[] | 'unknown' {
    return this.state.expungedSince(modseq);
  }

  /** Takes the UIDs nobody has been told of as \Recent yet. */
  claimRecent(): number[] {
    const { recent } = this.state;
    this.state.recent = [];
    return recent;
  }

  /** Called (coalesced) after the columns changed, and when the disk did. Returns how to stop. */
  onChange(listener: () => void): () => void {
    return this.state.onChange(listener);
  }

  /** @throws {MailError} expunged: the file has gone; unavailable: it cannot be read */
  open(row: number): OpenMessage {
    const { columns } = this.state;
    const message = withFile(this.state, row, (path) => openMessage(path, this.settings));
    columns.mtimes[row] = Math.max(0, message.mtimeSeconds);
    return message;
  }

  /**
   * Reads the whole of a small message, at less cost than `open`.
   * @param into  gets the octets at `at`, at most `room`, and one less than that
   * @returns how many there are; -1: the message is larger, or `open` must see to it
   * @throws {MailError} expunged, unavailable
   */
  readSmall(row: number, into: Buffer, at: number, room: number): number {
    return withFile(this.state, row, (path) => readSmallMessage(path, this.settings, into, at, room));
  }

  /** Seconds since 1970. @throws {MailError} expunged, unavailable */
  internalDate(row: number): number {
    const { columns } = this.state;
    if (columns.mtimes[row] !== 0) return columns.mtimes[row]!;
    const { mtimeMs } = withFile(this.state, row, (path) => this.#stat(path));
    const seconds = Math.max(0, Math.floor(mtimeMs / 1000));
    columns.mtimes[row] = seconds;
    return seconds;
  }

  /** Octets of the file: those its name tells, else those of the disk. @throws {MailError} expunged, unavailable */
  fileOctets(row: number): number {
    return sizeInName(this.fileName(row)) ?? withFile(this.state, row, (path) => this.#stat(path)).size;
  }

  #stat(path: string): Stats {
    return this.settings.linkTarget === undefined ? lstatSync(octetPath(path)) : statSync(octetPath(path));
  }

  /** Gives a message another internal date. @throws {MailError} expunged, noPermission, unavailable */
  setInternalDate(row: number, seconds: number): void {
    withFile(this.state, row, (path) => steps.setPathTimes(path, seconds));
    this.state.columns.mtimes[row] = seconds;
  }

  /** What messages removed after that modseq were, as far as it is remembered; by UID. */
  removedSince(modseq: number): Map<number, RemovedMessage> {
    return this.state.removedSince(modseq);
  }

  /** @throws {MailError} noPermission, overQuota, unavailable: some messages may have been changed */
  storeFlags(uids: Iterable<number>, change: FlagChange): Promise<void> {
    return storeFlags(this.state, uids, change);
  }

  /**
   * Removes messages, or moves them to a trash folder.
   * @returns the UIDs that are really gone, ascending
   * @throws {MailError} noPermission, unavailable
   */
  expunge(uids: Iterable<number>, options?: ExpungeOptions): Promise<number[]> {
    return expunge(this.state, uids, options);
  }

  startAppend(): Promise<Append> {
    return Promise.resolve(new Append(this.state));
  }

  /** All or nothing (MULTIAPPEND). @throws {MailError} overQuota, noPermission, unavailable */
  commitAppends(appends: readonly Append[]): Promise<Appended> {
    return commitAppends(this.state, appends);
  }

  /** All or nothing, but messages that have gone are passed over. @throws {MailError} overQuota, unavailable */
  copyFrom(source: Folder, uids: readonly number[], options?: CopyOptions): Promise<Copied> {
    return copyMessages(this.state, source.state, uids, options);
  }

  /** The same, and what was copied leaves `source`. @throws {MailError} overQuota, unavailable */
  moveFrom(source: Folder, uids: readonly number[], options?: CopyOptions): Promise<Copied> {
    return moveMessages(this.state, source.state, uids, options);
  }

  /** Gives the reference back. */
  close(): void {
    this.#onClose();
  }
}
