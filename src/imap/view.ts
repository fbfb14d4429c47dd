import { lowerBound } from '../base/sorted.ts';
import type { Folder } from '../store/folder.ts';

/**
 * What one session has been told of its mailbox: the UIDs behind the sequence numbers, which messages are
 * \Recent to it, and up to which change it has heard (RFC 9051 §5.5, §7.5.1). The columns of the folder run
 * ahead of it until `update` tells the client.
 */
export class View {
  readonly folder: Folder;
  /** UIDs told: index + 1 is the sequence number. Never written to, the folder shares them. */
  uids: Uint32Array;
  count: number;
  /** Changes up to this mod-sequence have been told. */
  modseq: number;
  /** How many of the folder's keywords the client has heard of. */
  keywordsTold: number;
  /** The mod-sequences of this session's own flag changes, which the client knows. */
  readonly #own = new Map<number, number>();
  #recent: readonly number[];

  constructor(folder: Folder, claimRecent: boolean) {
    this.folder = folder;
    this.uids = folder.uids;
    this.count = folder.count;
    this.modseq = folder.highestModseq;
    this.keywordsTold = folder.keywords.length;
    this.#recent = claimRecent ? folder.claimRecent() : [...folder.recent];
  }

  get recentCount(): number {
    return this.#recent.length;
  }

  isRecent(uid: number): boolean {
    const recent = this.#recent;
    if (recent.length === 0 || uid < recent[0]! || uid > recent[recent.length - 1]!) return false;
    let low = 0;
    let high = recent.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (recent[middle]! < uid) low = middle + 1;
      else high = middle;
    }
    return recent[low] === uid;
  }

  addRecent(uids: readonly number[]): void {
    if (uids.length > 0) this.#recent = [...this.#recent, ...uids];
  }

  /** Forgets the recency of messages that are gone. */
  keepRecent(): void {
    if (this.#recent.length > 0) this.#recent = this.#recent.filter((uid) => this.indexOf(uid) >= 0);
  }

  /** The folder's row of a message told; -1: it has gone, which the client does not know yet. */
  rowAt(index: number): number {
    const { folder } = this;
    const uid = this.uids[index]!;
    return folder.uids[index] === uid && index < folder.count ? index : folder.rowOf(uid);
  }

  /** The index of the first told UID that is at least `uid`. */
  lowerBound(uid: number): number {
    return lowerBound(this.uids, this.count, uid);
  }

  /** -1: no such message was told. */
  indexOf(uid: number): number {
    const index = this.lowerBound(uid);
    return index < this.count && this.uids[index] === uid ? index : -1;
  }

  /** The client knows the present flags of these messages: it asked for the change. */
  knows(uid: number): void {
    const row = this.folder.rowOf(uid);
    if (row >= 0) this.#own.set(uid, this.folder.modseqs[row]!);
  }

  isKnown(uid: number, modseq: number): boolean {
    return this.#own.get(uid) === modseq;
  }

  /** Everything has been told. */
  caughtUp(): void {
    this.uids = this.folder.uids;
    this.count = this.folder.count;
    this.modseq = this.folder.highestModseq;
    if (this.#own.size > 0) this.#own.clear();
  }

  /** True if there may be something to tell. */
  get isBehind(): boolean {
    const { folder } = this;
    return (
      folder.highestModseq !== this.modseq ||
      folder.count !== this.count ||
      folder.uids !== this.uids ||
      folder.keywords.length !== this.keywordsTold
    );
  }
}
