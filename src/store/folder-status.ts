/** STATUS of a folder that need not be open: new mail is counted, not moved, and keeps its recency. */
import { MailError } from '../base/mail-error.ts';
import { visitDirectory, visitIfPresent } from './directory-list.ts';
import { asMailError } from './errno.ts';
import { flag, parseFlags } from './flags.ts';
import type { Folder } from './folder.ts';
import { FolderState } from './folder-state.ts';
import { restoreIndex } from './index-file.ts';
import { inTurn, takeDotLock } from './lock.ts';
import { baseLength } from './name-order.ts';
import { knownFolder, openFolder } from './registry.ts';
import type { StoreSettings } from './settings.ts';
import { Slice } from './slices.ts';
import { readDb } from './uid-db-read.ts';

/** STATUS items. */
export interface FolderStatus {
  readonly messages: number;
  readonly recent: number;
  readonly unseen: number;
  readonly uidNext: number;
  readonly uidValidity: number;
  readonly deleted: number;
}

/**
 * @param directory  path of the folder, a latin1 string
 * @throws {MailError} notFound, unavailable
 */
export async function folderStatus(directory: string, settings: StoreSettings): Promise<FolderStatus> {
  const known = knownFolder(directory);
  if (known && !known.isDirty()) return statusOf(known);
  const state = new FolderState(directory, settings);
  try {
    if (settings.keepsIndex === true && (await restoreIndex(state)) === 'current') return statusOf(state);
    return (await countSettled(directory, settings)) ?? (await openAndCount(directory, settings));
  } catch (error) {
    throw asMailError(error, 'cannot read the folder');
  }
}

/** The same of an open folder, as it was refreshed last. */
export function openStatus(folder: Folder): FolderStatus {
  return statusOf(folder.state);
}

function statusOf(state: FolderState): FolderStatus {
  const { columns, uidNext, uidValidity } = state;
  let unseen = 0;
  let deleted = 0;
  for (let row = 0; row < columns.count; row++) {
    if ((columns.flags[row]! & flag.seen) === 0) unseen++;
    if ((columns.flags[row]! & flag.deleted) !== 0) deleted++;
  }
  return { messages: columns.count, recent: state.recent.length, unseen, uidNext, uidValidity, deleted };
}

/** Without a database there is no UIDVALIDITY yet: opening makes and keeps one. */
async function openAndCount(directory: string, settings: StoreSettings): Promise<FolderStatus> {
  const folder = await openFolder(directory, settings);
  try {
    return statusOf(folder.state);
  } finally {
    folder.close();
  }
}

/**
 * Counts once more where somebody with the folder's lock may be writing the line of a message whose UID the header of
 * the database counts already (uid-db-append.ts): it would be counted twice.
 */
async function countSettled(directory: string, settings: StoreSettings): Promise<FolderStatus | undefined> {
  const state = new FolderState(directory, settings);
  const counted = await countFiles(state);
  if (counted?.isUnsure !== true) return counted?.status;
  await inTurn(state.turnKey, async () => (await takeDotLock(directory, settings))()).catch(allowNoLock);
  return (await countFiles(new FolderState(directory, settings)))?.status;
}

/** Who may not write here looks without a lock. */
function allowNoLock(error: unknown): void {
  if (!(error instanceof MailError && error.kind === 'noPermission')) throw error;
}

async function countFiles(
  state: FolderState,
): Promise<{ status: FolderStatus; isUnsure: boolean } | undefined> {
  const db = readDb(state);
  if (!db?.header) return undefined;
  const listed = new Set<string>();
  const slice = new Slice();
  let highest = 0;
  while (db.next()) {
    highest = Math.max(highest, db.uid);
    listed.add(db.name);
    if (slice.isOver()) await slice.next();
  }
  const { uidValidity, uidNext } = db.header;
  const counted = { messages: 0, recent: 0, unseen: 0, deleted: 0 };
  let unlisted = 0;
  let unlistedInCur = 0;
  const count = (name: string, isNew: boolean) => {
    const length = baseLength(name);
    const bits = parseFlags(name.slice(length));
    const isListed = !isNew && listed.has(name.slice(0, length));
    counted.messages++;
    if ((bits & flag.seen) === 0) counted.unseen++;
    if ((bits & flag.deleted) !== 0) counted.deleted++;
    if (isListed) return;
    unlisted++;
    if (!isNew) unlistedInCur++;
    if (isNew || name.startsWith(':2,', length)) counted.recent++;
  };
  await visitIfPresent(`${state.directory}/new`, { file: (name) => count(name, true) });
  await visitDirectory(`${state.directory}/cur`, { file: (name) => count(name, false) });
  const next = Math.max(uidNext, highest + 1);
  return {
    status: { ...counted, uidValidity, uidNext: next + unlisted },
    isUnsure: unlistedInCur > 0 && next > highest + 1,
  };
}
