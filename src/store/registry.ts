/** The folders of this process: open ones are shared, and closed ones are kept a while for the next SELECT. */
import { MailError } from '../base/mail-error.ts';
import { Folder } from './folder.ts';
import { FolderState } from './folder-state.ts';
import { saveIndex } from './index-file.ts';
import { refresh } from './refresh.ts';
import type { StoreSettings } from './settings.ts';

export { type FolderStatus, folderStatus, openStatus } from './folder-status.ts';

const keptMs = 600_000;
const keptFolders = 200;
const keptRows = 500_000;
const saveEveryMs = 5000;

interface Entry {
  readonly state: FolderState;
  readonly folder: Folder;
  references: number;
  expires: NodeJS.Timeout | undefined;
}

const entries = new Map<string, Entry>();
/** Closed ones, the longest closed first. */
const kept = new Set<Entry>();

/**
 * Opens a folder of the process, or joins those who have it open; up to date when it resolves. `close()` it.
 * @param directory  path of the folder (the one that has `cur`), a latin1 string
 * @throws {MailError} notFound: no such folder; unavailable: it cannot be read now
 */
export async function openFolder(directory: string, settings: StoreSettings): Promise<Folder> {
  let entry = entries.get(directory);
  if (entry?.state.lost) {
    discard(entry);
    entry = undefined;
  }
  entry ??= addEntry(directory, settings);
  take(entry);
  const wasLoaded = entry.state.isLoaded;
  try {
    if (!wasLoaded || entry.state.isDirty()) await refresh(entry.state);
    return entry.folder;
  } catch (error) {
    release(entry);
    // Another folder is in its place by now (a restored backup): that one is opened.
    if (wasLoaded && entry.state.lost) return openFolder(directory, settings);
    if (!entry.state.isLoaded) discard(entry);
    throw error;
  }
}

/** Opens a folder that this process has in memory if there is no news of it; undefined: `openFolder` will see. */
export function openAgain(directory: string): Folder | undefined {
  const entry = entries.get(directory);
  if (!entry?.state.isLoaded || entry.state.lost || entry.state.hasNewsForOpening()) return undefined;
  take(entry);
  return entry.folder;
}

/** The folder if this process has it in memory, up to date or not. */
export function knownFolder(directory: string): FolderState | undefined {
  const state = entries.get(directory)?.state;
  return state?.isLoaded && !state.lost ? state : undefined;
}

/**
 * Drops what is remembered of a folder, before its directory is renamed or removed; sessions that have it open
 * get `notFound` from then on.
 */
export function forgetFolder(directory: string): void {
  const entry = entries.get(directory);
  if (!entry) return;
  entry.state.lose(new MailError('notFound', 'the folder was renamed or removed'));
  discard(entry);
}

/** Forgets all folders that nobody has open. */
export function forgetClosedFolders(): void {
  for (const entry of [...kept]) discard(entry);
}

function addEntry(directory: string, settings: StoreSettings): Entry {
  const state = new FolderState(directory, settings);
  const entry: Entry = {
    state,
    folder: new Folder(state, () => release(entry)),
    references: 0,
    expires: undefined,
  };
  entries.set(directory, entry);
  if (settings.keepsIndex === true) startSaving();
  return entry;
}

function take(entry: Entry): void {
  entry.references++;
  kept.delete(entry);
  clearTimeout(entry.expires);
}

function release(entry: Entry): void {
  if (--entry.references > 0) return;
  if (entries.get(entry.state.directory) !== entry) {
    letGo(entry);
    return;
  }
  kept.add(entry);
  entry.expires = setTimeout(() => discard(entry), keptMs);
  entry.expires.unref();
  trimKept();
}

function trimKept(): void {
  let rows = 0;
  for (const entry of kept) rows += entry.state.columns.count;
  for (const entry of kept) {
    if (kept.size <= keptFolders && rows <= keptRows) break;
    rows -= entry.state.columns.count;
    discard(entry);
  }
}

function discard(entry: Entry): void {
  clearTimeout(entry.expires);
  kept.delete(entry);
  if (entries.get(entry.state.directory) === entry) entries.delete(entry.state.directory);
  if (entry.references === 0) letGo(entry);
}

function letGo({ state }: Entry): void {
  state.isReleased = true;
  if (state.settings.keepsIndex !== true || !state.isLoaded || state.lost) close(state);
  else {
    const saved = save(state, true).then(() => {
      leaving.delete(saved);
      close(state);
    });
    leaving.add(saved);
  }
}

/** Folders that nobody has open any more and whose index is being written. */
const leaving = new Set<Promise<void>>();

function close(state: FolderState): void {
  state.cache.close();
  state.watch?.close();
  state.watch = undefined;
}

async function save(state: FolderState, isLast: boolean): Promise<void> {
  try {
    await saveIndex(state, isLast);
  } catch (error) {
    const { directory, settings } = state;
    settings.log.error(`${directory}: index: ${error instanceof Error ? error.stack : error}`);
  }
}

let isSaving = false;

/** Now and then writes the indexes of folders at work. */
function startSaving(): void {
  if (isSaving) return;
  isSaving = true;
  setTimeout(async () => {
    for (const { state } of [...entries.values()]) await save(state, false);
    isSaving = false;
    if (entries.values().some(({ state }) => state.settings.keepsIndex === true)) startSaving();
  }, saveEveryMs).unref();
}

/** Writes what the next process would otherwise have to find out: before this one ends. */
export async function saveFolders(): Promise<void> {
  for (const { state } of [...entries.values()]) await save(state, true);
  await Promise.all(leaving);
}
