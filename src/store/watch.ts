/**
 * Directory watches of an open folder (maildir-store §11), by names: what a refresh must look at. The kernel drops
 * events when its queue is full and says nothing that reaches us, so a burst in one turn of the event loop casts
 * doubt on every watch of the process.
 */
import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { octetPath } from '../base/paths.ts';

export const watchedDirectories = ['new', 'cur', 'courierimapkeywords'] as const;
export type WatchedDirectory = (typeof watchedDirectories)[number];

/** Names waiting in one directory beyond which a scan is cheaper. */
const maxPendingNames = 8000;

let burst = 0;
let maxBurst: number | undefined;
const live = new Set<FolderWatch>();

function countEvent(): void {
  maxBurst ??= burstLimit();
  if (burst++ === 0) {
    setImmediate(() => {
      burst = 0;
    });
  }
  if (burst === maxBurst) for (const each of live) each.doubt();
}

/** Half of what the kernel queues for us, at most 8,000. */
function burstLimit(): number {
  try {
    const queued = Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'latin1'));
    return Math.max(1, Math.min(8000, Math.floor(queued / 2)));
  } catch {
    return 8000;
  }
}

export class FolderWatch {
  readonly pending: Record<WatchedDirectory, Set<string>> = {
    new: new Set(),
    cur: new Set(),
    courierimapkeywords: new Set(),
  };
  /** True once events may have been lost: scan, and call `trust` before. */
  isDoubtful = false;
  #watchers: FSWatcher[] = [];
  #onEvent: () => void;
  #closed = false;
  /** Events of our own changes still to come: those made before the last `drained` and since. */
  #expectedBefore = new Map<string, number>();
  #expected = new Map<string, number>();

  /** @throws a system error: no watch is possible (limits, no inotify, a directory is missing) */
  constructor(folder: string, onEvent: () => void, linkTarget?: string) {
    this.#onEvent = onEvent;
    try {
      if (linkTarget !== undefined) this.#watchTarget(linkTarget);
      for (const directory of watchedDirectories) {
        const watcher = watch(
          octetPath(`${folder}/${directory}`),
          { encoding: 'latin1', persistent: false },
          (type, name) => {
            if (type === 'rename') this.#note(directory, name);
          },
        );
        watcher.on('error', () => this.doubt());
        this.#watchers.push(watcher);
      }
    } catch (error) {
      this.close();
      throw error;
    }
    live.add(this);
  }

  /** That something happens in the target of a folder of links is enough to know. */
  #watchTarget(target: string): void {
    for (const directory of ['new', 'cur']) {
      try {
        const path = octetPath(`${target}/${directory}`);
        const watcher = watch(path, { persistent: false }, () => this.#onEvent());
        watcher.on('error', () => undefined);
        this.#watchers.push(watcher);
      } catch {
        // It is not for us to see: looking now and then must do.
      }
    }
  }

  get hasPending(): boolean {
    const { pending } = this;
    return pending.new.size > 0 || pending.cur.size > 0 || pending.courierimapkeywords.size > 0;
  }

  #note(directory: WatchedDirectory, name: string | null): void {
    countEvent();
    if (this.#closed || this.#isOwn(directory, name)) return;
    const names = this.pending[directory];
    if (name === null || names.size >= maxPendingNames) this.doubt();
    else if (!this.isDoubtful) names.add(name);
    this.#onEvent();
  }

  #isOwn(directory: WatchedDirectory, name: string | null): boolean {
    if (this.#expectedBefore.size === 0 && this.#expected.size === 0) return false;
    const key = `${directory}/${name}`;
    return takeOne(this.#expectedBefore, key) || takeOne(this.#expected, key);
  }

  /** Announces one event that an own system call is about to cause. */
  expect(directory: WatchedDirectory, name: string): void {
    const key = `${directory}/${name}`;
    // The kernel makes one of equal events in a row, and a keyword file is replaced again and again.
    const before = directory === 'courierimapkeywords' ? 0 : (this.#expected.get(key) ?? 0);
    this.#expected.set(key, before + 1);
  }

  /** The system call failed: no event will come. */
  unexpect(directory: WatchedDirectory, name: string): void {
    const key = `${directory}/${name}`;
    if (!takeOne(this.#expected, key)) takeOne(this.#expectedBefore, key);
  }

  /**
   * Lets the loop deliver every event of changes made until now: a whole poll phase lies between two immediates.
   * Own events that did not come mean lost events.
   */
  async drain(): Promise<void> {
    this.#expectedBefore = this.#expected;
    this.#expected = new Map();
    await new Promise<void>((resolve) => {
      setImmediate(() => setImmediate(resolve));
    });
    if (this.#expectedBefore.size === 0) return;
    this.#expectedBefore.clear();
    this.doubt();
  }

  /** Takes the names noted in a directory so far. */
  take(directory: WatchedDirectory): Set<string> {
    const names = this.pending[directory];
    if (names.size > 0) this.pending[directory] = new Set();
    return names;
  }

  doubt(): void {
    this.isDoubtful = true;
    for (const directory of watchedDirectories) this.pending[directory].clear();
    this.#onEvent();
  }

  /** A scan begins: what comes from now on counts again. */
  trust(): void {
    this.isDoubtful = false;
    for (const directory of watchedDirectories) this.pending[directory].clear();
    this.#expectedBefore.clear();
    this.#expected.clear();
  }

  close(): void {
    this.#closed = true;
    live.delete(this);
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [];
  }
}

function takeOne(counts: Map<string, number>, key: string): boolean {
  const times = counts.get(key);
  if (times === undefined) return false;
  if (times === 1) counts.delete(key);
  else counts.set(key, times - 1);
  return true;
}
