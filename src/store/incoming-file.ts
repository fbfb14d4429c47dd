import { lstatSync } from 'node:fs';
import { octetPath } from '../base/paths.ts';
import type { Incoming } from './assign.ts';
import type { FolderState } from './folder-state.ts';
import { keywordDirectory, placeKeywords } from './keyword-files.ts';
import { Slice } from './slices.ts';
import * as steps from './steps.ts';

/** What is known of a message that is complete in `tmp/`. */
export interface PreparedFile {
  /** Path in `tmp/`. */
  readonly temporary: string;
  /** A base name nobody else has. */
  readonly base: string;
  /** One to keep, if the folder has no message of that name. */
  readonly wantedBase?: string | undefined;
  readonly info: string;
  readonly mtimeSeconds: number;
  /** Path in `tmp/` of the file with its keywords. */
  readonly keywordFile: string | undefined;
  readonly keywords: readonly string[];
}

/** A message that waits in `tmp/` under a name of ours. One of perhaps very many: it has no functions of its own. */
export class IncomingFile implements Incoming {
  readonly isRecent = false;
  readonly wasNew = false;
  readonly keywordSet: number;
  readonly #state: FolderState;
  readonly #file: PreparedFile;
  #base: string;
  #isPlaced = false;

  constructor(state: FolderState, file: PreparedFile) {
    this.#state = state;
    this.#file = file;
    this.#base = file.base;
    this.keywordSet = state.keywordTable.idOf(file.keywords);
  }

  get name(): string {
    return this.#base + this.#file.info;
  }

  get mtimeSeconds(): number {
    return this.#file.mtimeSeconds;
  }

  choose(taken: Set<string>): void {
    const { wantedBase, info } = this.#file;
    if (wantedBase !== undefined && !taken.has(wantedBase) && isFree(this.#state, wantedBase, info))
      this.#base = wantedBase;
    taken.add(this.#base);
  }

  place(): void {
    const state = this.#state;
    const { temporary, keywordFile } = this.#file;
    if (keywordFile !== undefined) {
      state.watch?.expect('courierimapkeywords', this.#base);
      placeKeywords(state.directory, keywordFile, this.#base);
      state.unmergedKeywords++;
    }
    steps.rename(temporary, placeOf(state, this.name));
    this.#isPlaced = true;
  }

  undo(): void {
    const state = this.#state;
    const { temporary, keywordFile } = this.#file;
    if (this.#isPlaced) {
      state.watch?.expect('cur', this.name);
      steps.rename(placeOf(state, this.name), temporary);
      this.#isPlaced = false;
    }
    if (keywordFile === undefined) return;
    const path = `${keywordDirectory(state.directory)}/${this.#base}`;
    if (lstatSync(octetPath(path), { throwIfNoEntry: false })) steps.rename(path, keywordFile);
  }

  discard(): void {
    removeTemporary(this.#file.temporary);
    removeTemporary(this.#file.keywordFile);
  }
}

/** Whether the folder has no message of that base name. Under the lock, after `collect`. */
function isFree(state: FolderState, base: string, info: string): boolean {
  if (state.columns.rowOfName(base, base.length) >= 0) return false;
  for (const name of [...state.unlisted, ...state.waiting]) if (name.startsWith(base)) return false;
  return !lstatSync(octetPath(state.path(base + info)), { throwIfNoEntry: false });
}

/** The directory that gets the messages put into a folder: of a folder of links its target. */
export function deliveryDirectory({ directory, settings }: FolderState): string {
  return settings.linkTarget ?? directory;
}

function placeOf(state: FolderState, name: string): string {
  return `${deliveryDirectory(state)}/cur/${name}`;
}

/** Removes the temporary files of messages that are not to be placed. */
export async function discardAll(incoming: readonly Incoming[]): Promise<void> {
  const slice = new Slice();
  for (const message of incoming) {
    message.discard();
    if (slice.isLong()) await slice.next();
  }
}

/** Removes a file in `tmp/` if it is there. */
export function removeTemporary(path: string | undefined): void {
  if (path === undefined) return;
  try {
    steps.unlink(path);
  } catch {
    // The purge of `tmp/` removes it later.
  }
}
