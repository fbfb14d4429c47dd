import { lowerBound } from '../base/sorted.ts';
import type { Folder, RemovedMessage } from '../store/folder.ts';

/**
 * What one session has been told of its folder: the UIDs behind the message numbers, and up to which change it has
 * heard (smap §5.4). The columns of the folder run ahead of it until the client is told.
 */
export class View {
  readonly folder: Folder;
  /** UIDs told: index + 1 is the message's number. Never written to, the folder shares them. */
  uids: Uint32Array;
  count: number;
  /** Changes up to this mod-sequence have been told. */
  modseq: number;
  /** The mod-sequences of changes the client asked for, and so knows. */
  readonly #own = new Map<number, number>();
  #removed: { modseq: number; messages: Map<number, RemovedMessage> } | undefined;

  constructor(folder: Folder) {
    this.folder = folder;
    this.uids = folder.uids;
    this.count = folder.count;
    this.modseq = folder.highestModseq;
  }

  /** For search, which IMAP's \Recent belongs to. */
  isRecent(): boolean {
    return false;
  }

  /** The folder's row of a message told; -1: it has gone, which the client does not know yet. */
  rowAt(index: number): number {
    const { folder } = this;
    const uid = this.uids[index]!;
    return folder.uids[index] === uid && index < folder.count ? index : folder.rowOf(uid);
  }

  /** -1: no such message was told. */
  indexOf(uid: number): number {
    const index = lowerBound(this.uids, this.count, uid);
    return index < this.count && this.uids[index] === uid ? index : -1;
  }

  /** A message told that has gone: its name and last flags. */
  removed(index: number): RemovedMessage {
    const { folder } = this;
    if (this.#removed?.modseq !== folder.highestModseq)
      this.#removed = { modseq: folder.highestModseq, messages: folder.removedSince(this.modseq) };
    const uid = this.uids[index]!;
    // Nobody remembers it: any name will do that is not another message's.
    return this.#removed.messages.get(uid) ?? { baseName: `gone.${folder.uidValidity}.${uid}`, flags: 0 };
  }

  /** The client knows the present flags and keywords of a message. */
  knows(uid: number): void {
    const row = this.folder.rowOf(uid);
    if (row >= 0) this.#own.set(uid, this.folder.modseqs[row]!);
  }

  isKnown(uid: number, modseq: number): boolean {
    return this.#own.get(uid) === modseq;
  }

  /** True if there may be something to tell. */
  get isBehind(): boolean {
    const { folder } = this;
    return folder.highestModseq !== this.modseq || folder.count !== this.count || folder.uids !== this.uids;
  }

  /** Everything has been told. */
  caughtUp(): void {
    this.uids = this.folder.uids;
    this.count = this.folder.count;
    this.modseq = this.folder.highestModseq;
    this.#own.clear();
    this.#removed = undefined;
  }
}
