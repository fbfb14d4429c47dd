import { lstatSync, type Stats, statSync } from 'node:fs';
import { MailError } from '../base/mail-error.ts';
import { octetPath } from '../base/paths.ts';
import type { Delivery } from './append.ts';
import { nameInBlock } from './base-names.ts';
import { Columns, type Row } from './columns.ts';
import { asMailError, errorCode } from './errno.ts';
import type { SavedIndex } from './index-file.ts';
import type { ExpungeLog, FolderImage, Stamps } from './index-format.ts';
import { KeywordTable } from './keywords.ts';
import { targetStamp } from './link-folder.ts';
import { MessageCache } from './message-cache.ts';
import type { StoreSettings } from './settings.ts';
import type { KnownEnd } from './uid-db-append.ts';
import { FolderWatch } from './watch.ts';

/** A message that has gone from a folder. */
export interface RemovedMessage {
  readonly baseName: string;
  /** Bits of `flag`. */
  readonly flags: number;
}

/** A line of the log of removals; the name stays in its block of octets until somebody asks. */
interface Removal {
  readonly modseq: number;
  readonly uid: number;
  readonly flags: number;
  readonly block: Buffer;
  readonly nameAt: number;
}

/** Time stamps this close to the clock may hide a later change within the same tick. */
const granularityMs = 20;
/** The same where times seem to be whole seconds. */
const coarseGranularityMs = 2100;
/** With a watch, which tells of every change, the time stamps are a second opinion: asked for this often. */
const verifyEveryMs = 100;
/** A record of base-names.ts without a name. */
const nameless = Buffer.alloc(5);
const maxChanges = 4096;
const maxExpunged = 16384;

/** The highest given in this process: a folder may be opened anew within the same millisecond. */
let lastModseq = 0;

/** The inside of a `Folder`: only the modules of `store/` touch it. */
export class FolderState {
  readonly directory: string;
  readonly settings: StoreSettings;
  /** Orders the work on the directory, whatever paths lead to it. */
  readonly turnKey: string;
  readonly #inode: number;
  readonly keywordTable = new KeywordTable();
  columns = new Columns();
  uidValidity = 0;
  uidNext = 1;
  /** The highest UID that a row, or a line of the database, has had. */
  highestUid = 0;
  /**
   * The highest given: near the clock's microseconds, so that it does not go back even where nothing is left of what
   * was before.
   */
  modseq = Math.max(Date.now() * 1000, lastModseq + 1);
  isLoaded = false;
  /** Why the folder cannot be used any more: it was removed, or its UIDs mean something else now. */
  lost: MailError | undefined;
  /** Inode, time and size of the UID database as read or written last; '' if there is no valid one. */
  dbStamp = '';
  dbHeaderLength = 0;
  /** The end of the database, where it may show that lines were only added. */
  dbEnd: KnownEnd | undefined;
  /** UIDs are in `postrider-uids` too. */
  hasJournal = false;
  /** The database should be written without its stale lines. */
  wantsDbWrite = false;
  /** Lines of the database that no row belongs to: their files have gone. */
  staleLines = 0;
  /** Nothing can be written here: UIDs of new messages are ours alone. */
  isProvisional = false;
  /** Names in `cur` that have no row yet. */
  unlisted = new Set<string>();
  /** Names in `new`. */
  waiting = new Set<string>();
  /** Keyword files to merge, roughly. */
  unmergedKeywords = 0;
  wantsKeywordMerge = false;
  /** While all keywords are read: UIDs of messages that have got others meanwhile. */
  keywordsTaken: Set<number> | undefined;
  /** Rows were added whose keywords are not known yet. */
  wantsKeywordRead = false;
  /** Files may be in their place that have no row yet, whatever time stamps say. */
  isAssigning = false;
  /** Messages of ours that wait for the lock. */
  readonly deliveries: Delivery[] = [];
  /** UIDs not yet taken as \Recent by a session. */
  recent: number[] = [];
  watch: FolderWatch | undefined;
  /** Nobody has it any more. */
  isReleased = false;
  known: Stamps | undefined;
  /** The index file, as this process has read or written it last. */
  saved: SavedIndex | undefined;
  /** What the index had, while the folder is read anew because the UID database is another. */
  former: FolderImage | undefined;
  lastPurgeMs = 0;
  /** Of a folder of links: the target's directories when the links last followed them; undefined: not for sure. */
  followed: string | undefined;
  /** What was computed of the messages. */
  readonly cache: MessageCache;
  /** Rows a look through `cur` did not find, and the directory's time then. */
  missing: { readonly curTime: number; readonly uids: ReadonlySet<number> } | undefined;
  #unsettledUntil = 0;
  /** Until then the watch alone is asked (`performance.now()`). */
  #verifiedUntil = 0;
  /** `cur` has changed by our own hand since `known`. */
  #curChanged = false;
  #listeners = new Set<() => void>();
  #notifying = false;
  #changed: { modseq: number; uid: number }[] = [];
  #changesKnownFrom = 1;
  #expunged: Removal[] = [];
  #expungesKnownFrom = 1;

  /** @throws {MailError} notFound, unavailable */
  constructor(directory: string, settings: StoreSettings) {
    this.directory = directory;
    this.settings = settings;
    this.cache = new MessageCache(this);
    try {
      const { dev, ino } = statSync(octetPath(`${directory}/cur`));
      this.turnKey = `${dev}:${ino}`;
      this.#inode = statSync(octetPath(directory)).ino;
    } catch (error) {
      if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR')
        throw new MailError('notFound', 'no such folder', { cause: error });
      throw asMailError(error, 'cannot read the folder');
    }
  }

  /** Path of a message file by its name in `cur`. */
  path(name: string): string {
    return `${this.directory}/cur/${name}`;
  }

  /** @throws {MailError} notFound: the folder has gone; unavailable: it cannot be read now */
  readStamps(): Stamps {
    const { directory } = this;
    try {
      const cur = statSync(octetPath(`${directory}/cur`));
      const fresh = statSync(octetPath(`${directory}/new`), { throwIfNoEntry: false });
      const keywords = statSync(octetPath(`${directory}/courierimapkeywords`), { throwIfNoEntry: false });
      return {
        newTime: fresh?.mtimeMs ?? 0,
        newInode: fresh?.ino ?? 0,
        curTime: cur.mtimeMs,
        curInode: cur.ino,
        keywordsTime: keywords?.mtimeMs ?? 0,
        keywordsInode: keywords?.ino ?? 0,
      };
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw asMailError(error, 'cannot read the folder');
      if (statSync(octetPath(directory), { throwIfNoEntry: false }))
        throw new MailError('unavailable', 'the folder has no cur directory', { cause: error });
      this.lose(new MailError('notFound', 'the folder was removed', { cause: error }));
      throw this.lost ?? error;
    }
  }

  /** Remembers stamps read before the directories were. */
  settle(stamps: Stamps): void {
    this.known = stamps;
    this.#curChanged = false;
    const latest = Math.max(stamps.newTime, stamps.curTime, stamps.keywordsTime);
    this.#unsettledUntil = latest > Date.now() - granularityMs ? Date.now() + granularityMs : 0;
  }

  /**
   * Begins a change of our own in `cur`, or in all directories. What it returns ends it: then the new times are no
   * news, unless others' changes were unread before. Only with a watch, which tells what they do meanwhile.
   */
  startOwnChange(everywhere: boolean): () => void {
    const { known, watch } = this;
    if (!known || !watch || watch.isDoubtful) return () => undefined;
    if (!everywhere) {
      return () => {
        this.#curChanged = true;
      };
    }
    const before = this.readStamps();
    return () => {
      const after = this.readStamps();
      if (this.known !== known || !sameDirectories(known, after)) return;
      this.known = {
        ...known,
        newTime: before.newTime === known.newTime ? after.newTime : known.newTime,
        curTime: before.curTime === known.curTime ? after.curTime : known.curTime,
        keywordsTime: before.keywordsTime === known.keywordsTime ? after.keywordsTime : known.keywordsTime,
      };
    };
  }

  /** Whether the rows are what the time stamps stand for, and any later change would show in them. */
  get isSettled(): boolean {
    const { known } = this;
    if (!known || this.isAssigning) return false;
    const times = [known.newTime, known.curTime, known.keywordsTime];
    const isCoarse = times.every((time) => time % 1000 === 0);
    return Math.max(...times) < Date.now() - (isCoarse ? coarseGranularityMs : granularityMs);
  }

  /** Whether what was read with the known stamps can only have changed if they have. */
  get isKnownCertain(): boolean {
    return this.known !== undefined && this.#unsettledUntil === 0;
  }

  /** Without a watch: whether a change could hide behind an equal time stamp. */
  get isUnsettled(): boolean {
    return this.#unsettledUntil !== 0 && Date.now() >= this.#unsettledUntil;
  }

  isDirty(): boolean {
    const { known } = this;
    if (!known || this.#hasWork()) return true;
    try {
      return !sameStamps(known, this.readStamps());
    } catch {
      return true; // refresh() says why
    }
  }

  /** Whether the links of a folder of links may have something to follow. */
  get hasTargetNews(): boolean {
    const { linkTarget } = this.settings;
    return linkTarget !== undefined && this.followed !== targetStamp(linkTarget);
  }

  #hasWork(): boolean {
    const { watch } = this;
    if (this.hasTargetNews) return true;
    if (this.lost || this.waiting.size > 0 || this.unlisted.size > 0) return true;
    return watch ? watch.isDoubtful || watch.hasPending : this.isUnsettled;
  }

  /**
   * The same as the watch tells it. The kernel has queued the event of a change before whoever made it can tell
   * our client, so the loop delivers the event before the client's next command.
   */
  hasNews(): boolean {
    if (!this.watch) return this.isDirty();
    if (this.#hasWork()) return true;
    if (performance.now() < this.#verifiedUntil) return false;
    if (this.#curChanged) this.#takeOwnTime();
    const isDirty = this.isDirty();
    if (!isDirty) this.#verifiedUntil = performance.now() + verifyEveryMs;
    return isDirty;
  }

  /** The same for whoever opens the folder: another directory may have taken its place since. */
  hasNewsForOpening(): boolean {
    const stats = statSync(octetPath(this.directory), { throwIfNoEntry: false });
    return stats?.ino !== this.#inode || this.hasNews();
  }

  /** Counts our own changes as known, if the watch tells of no others. */
  takeStock(): void {
    if (this.watch && this.#curChanged && !this.#hasWork()) this.#takeOwnTime();
  }

  /** Our own changes are no news. Whoever changes `cur` meanwhile has an event on its way to the watch. */
  #takeOwnTime(): void {
    this.#curChanged = false;
    const curTime = statSync(octetPath(`${this.directory}/cur`), { throwIfNoEntry: false })?.mtimeMs;
    if (this.known && curTime !== undefined) this.known = { ...this.known, curTime };
  }

  /** Ends the folder's usefulness; every later refresh throws `reason`. */
  lose(reason: MailError): void {
    if (this.lost) return;
    this.lost = reason;
    this.watch?.close();
    this.watch = undefined;
    this.notify();
  }

  startWatch(): boolean {
    if (this.settings.watch === false || this.isReleased) return false;
    try {
      this.watch = new FolderWatch(this.directory, () => this.notify(), this.settings.linkTarget);
      return true;
    } catch (error) {
      this.settings.log.debug(`${this.directory}: no directory watch: ${errorCode(error)}`);
      return false;
    }
  }

  /** Something may have happened that the watch does not tell of. */
  doubtWatch(): void {
    this.watch?.doubt();
  }

  onChange(listener: () => void): () => void {
    const entry = () => listener();
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  /** Tells the listeners, once for all changes of this turn. */
  notify(): void {
    if (this.#notifying || this.#listeners.size === 0) return;
    this.#notifying = true;
    queueMicrotask(() => {
      this.#notifying = false;
      for (const listener of [...this.#listeners]) listener();
    });
  }

  addRow(row: Row): void {
    this.columns.add(row, this.#nextModseq());
    this.#noteChange(row.uid);
    if (row.uid >= this.uidNext) this.uidNext = row.uid + 1;
    this.highestUid = Math.max(this.highestUid, row.uid);
    this.notify();
  }

  rowChanged(row: number): void {
    this.columns.modseqs[row] = this.#nextModseq();
    this.#noteChange(this.columns.uids[row]!);
    this.notify();
  }

  /** Removes rows, given ascending. */
  removeRows(rows: readonly number[]): void {
    if (rows.length === 0) return;
    const modseq = this.#nextModseq();
    const { uids, flags, nameAt, names } = this.columns;
    const { block } = names;
    for (const row of rows)
      this.#expunged.push({ modseq, uid: uids[row]!, flags: flags[row]!, block, nameAt: nameAt[row]! });
    this.#trimExpunged();
    const gone = new Set(rows.map((row) => this.columns.uids[row]!));
    if (this.recent.length > 0) this.recent = this.recent.filter((uid) => !gone.has(uid));
    this.columns.remove(rows);
    this.staleLines += rows.length;
    this.notify();
  }

  #nextModseq(): number {
    this.modseq = Math.max(this.modseq + 1, Date.now() * 1000);
    lastModseq = Math.max(lastModseq, this.modseq);
    return this.modseq;
  }

  #trimExpunged(): void {
    if (this.#expunged.length <= maxExpunged) return;
    const dropped = this.#expunged.splice(0, this.#expunged.length - maxExpunged / 2);
    this.#expungesKnownFrom = dropped.at(-1)!.modseq;
  }

  /** The log of removals, for the index. */
  get expungeLog(): ExpungeLog {
    return {
      knownFrom: this.#expungesKnownFrom,
      modseqs: Float64Array.from(this.#expunged, ({ modseq }) => modseq),
      uids: Uint32Array.from(this.#expunged, ({ uid }) => uid),
    };
  }

  /**
   * Goes on after what an index has: its log of removals, and UIDs that have gone since it was written. What rows
   * were changed when is in their mod-sequences.
   */
  continueLogs({ modseq, expunged }: FolderImage, gone: readonly number[] = []): void {
    this.modseq = Math.max(modseq, this.modseq);
    const { knownFrom, modseqs, uids } = expunged;
    const line = { flags: 0, block: nameless, nameAt: 0 };
    this.#expunged = Array.from(modseqs, (each, index) => ({ ...line, modseq: each, uid: uids[index]! }));
    if (gone.length > 0) this.#nextModseq();
    for (const uid of gone) this.#expunged.push({ ...line, modseq: this.modseq, uid });
    this.#expungesKnownFrom = knownFrom;
    this.#trimExpunged();
    this.#changed = [];
    this.#changesKnownFrom = this.modseq;
  }

  #noteChange(uid: number): void {
    this.#changed.push({ modseq: this.modseq, uid });
    if (this.#changed.length <= maxChanges) return;
    const dropped = this.#changed.splice(0, maxChanges / 2);
    this.#changesKnownFrom = dropped.at(-1)!.modseq;
  }

  changesSince(modseq: number): number[] {
    const { columns } = this;
    const rows: number[] = [];
    if (modseq >= this.modseq) return rows;
    if (modseq < this.#changesKnownFrom) {
      for (let row = 0; row < columns.count; row++) if (columns.modseqs[row]! > modseq) rows.push(row);
      return rows;
    }
    const uids = new Set<number>();
    for (let i = this.#changed.length - 1; i >= 0 && this.#changed[i]!.modseq > modseq; i--)
      uids.add(this.#changed[i]!.uid);
    for (const uid of uids) {
      const row = columns.rowOf(uid);
      if (row >= 0) rows.push(row);
    }
    return rows.sort((a, b) => a - b);
  }

  expungedSince(modseq: number): number[] | 'unknown' {
    if (modseq < this.#expungesKnownFrom) return 'unknown';
    const uids: number[] = [];
    for (let i = this.#expunged.length - 1; i >= 0 && this.#expunged[i]!.modseq > modseq; i--)
      uids.push(this.#expunged[i]!.uid);
    return uids.sort((a, b) => a - b);
  }

  removedSince(modseq: number): Map<number, RemovedMessage> {
    const removed = new Map<number, RemovedMessage>();
    for (let i = this.#expunged.length - 1; i >= 0 && this.#expunged[i]!.modseq > modseq; i--) {
      const { uid, flags, block, nameAt } = this.#expunged[i]!;
      removed.set(uid, { baseName: nameInBlock(block, nameAt), flags });
    }
    return removed;
  }

  /** Starts the logs of changes anew, after the first load. */
  startLogs(): void {
    this.#changed = [];
    this.#changesKnownFrom = this.modseq;
    this.#expunged = [];
    this.#expungesKnownFrom = this.modseq;
  }

  /** Whether a file's kind is that of messages here. */
  isMessage(stats: Pick<Stats, 'isFile' | 'isSymbolicLink'>): boolean {
    return stats.isFile() || (this.settings.linkTarget !== undefined && stats.isSymbolicLink());
  }

  /** lstat of a message file, looked for in `cur` and then in `new`; undefined if it is in neither. */
  statMessage(name: string): Stats | undefined {
    return (
      lstatSync(octetPath(this.path(name)), { throwIfNoEntry: false }) ??
      (this.isProvisional
        ? lstatSync(octetPath(`${this.directory}/new/${name}`), { throwIfNoEntry: false })
        : undefined)
    );
  }
}

export function sameStamps(a: Stamps, b: Stamps): boolean {
  return (
    a.newTime === b.newTime &&
    a.curTime === b.curTime &&
    a.keywordsTime === b.keywordsTime &&
    sameDirectories(a, b)
  );
}

export function sameDirectories(a: Stamps, b: Stamps): boolean {
  return a.newInode === b.newInode && a.curInode === b.curInode && a.keywordsInode === b.keywordsInode;
}
