/**
 * EXPUNGE (maildir-store §8.5): unlink cur/x. Or into a trash folder: link cur/x trash/cur/x'; unlink cur/x.
 * Stopping in between leaves the message in both, and doing it again removes the first.
 */
import { lstatSync } from 'node:fs';
import { MailError } from '../base/mail-error.ts';
import { octetPath } from '../base/paths.ts';
import { asMailError, errorCode } from './errno.ts';
import { flag } from './flags.ts';
import type { FolderState } from './folder-state.ts';
import { removeLinked } from './link-folder.ts';
import { makeFolderDirectories } from './make-folder.ts';
import { baseLength } from './name-order.ts';
import { relocate } from './relocate.ts';
import { Slice, turnAfter } from './slices.ts';
import * as steps from './steps.ts';
import { trashName } from './trash.ts';
import { deliveredName, uniqueName } from './unique-names.ts';

export interface ExpungeOptions {
  /** Directory of the folder to move the messages to instead of removing them; it is created if missing. */
  readonly trash?: string;
}

/**
 * Removes messages. One whose \Deleted somebody took away meanwhile stays, and so does one that could not be moved.
 * @returns the UIDs that are really gone, ascending
 * @throws {MailError} noPermission, unavailable; what was removed until then is gone
 */
export async function expunge(
  state: FolderState,
  uids: Iterable<number>,
  options: ExpungeOptions = {},
): Promise<number[]> {
  const gone: number[] = [];
  const batch: number[] = [];
  const slice = new Slice();
  const endChange = state.startOwnChange(false);
  try {
    for (const uid of uids) {
      const row = state.columns.rowOf(uid);
      if (row >= 0 && removeMessage(state, row, options.trash)) batch.push(uid);
      if (!slice.isLong()) continue;
      // Rows go before others are let in: nobody sees a message whose file we have removed.
      gone.push(...dropRows(state, batch));
      await slice.next();
    }
  } finally {
    gone.push(...dropRows(state, batch));
    if (gone.length > 0) endChange();
  }
  if (gone.length > 0 && state.settings.durable) await syncAfter(state, options.trash);
  await turnAfter(gone.length);
  return gone.sort((a, b) => a - b);
}

function dropRows(state: FolderState, batch: number[]): number[] {
  const uids = batch.splice(0);
  const rows = uids.map((uid) => state.columns.rowOf(uid)).sort((a, b) => a - b);
  state.removeRows(rows);
  return uids;
}

async function syncAfter(state: FolderState, trash: string | undefined): Promise<void> {
  if (trash !== undefined) await steps.syncDirectory(`${trash}/cur`);
  await steps.syncDirectory(`${state.directory}/cur`);
}

/** Whether the message is gone from the folder. */
function removeMessage(state: FolderState, row: number, trash: string | undefined): boolean {
  const { columns } = state;
  const wasDeleted = (columns.flags[row]! & flag.deleted) !== 0;
  for (let attempt = 0; attempt < 5; attempt++) {
    const name = columns.fileName(row);
    if (trash !== undefined && !moveToTrash(state, name, trash)) {
      if (lstatSync(octetPath(state.path(name)), { throwIfNoEntry: false })) return false;
    } else if (removeFile(state, name)) return true;
    if (!relocate(state, row)) return true;
    if (wasDeleted && (columns.flags[row]! & flag.deleted) === 0) return false;
  }
  return false;
}

/** False if there is no such file. */
function removeFile(state: FolderState, name: string): boolean {
  const { linkTarget } = state.settings;
  if (linkTarget !== undefined) return removeLink(state, name, linkTarget);
  state.watch?.expect('cur', name);
  try {
    steps.unlink(state.path(name));
    return true;
  } catch (error) {
    state.watch?.unexpect('cur', name);
    if (errorCode(error) === 'ENOENT') return false;
    throw asMailError(error, 'cannot remove the message');
  }
}

/** False also if it is not for us to remove: then it has another name, without \Deleted. */
function removeLink(state: FolderState, name: string, target: string): boolean {
  try {
    return removeLinked(state, name, target);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw asMailError(error, 'cannot remove the message');
  }
}

/** Links a message into the trash folder; false if that failed, and then it must stay where it is. */
function moveToTrash(state: FolderState, name: string, trash: string): boolean {
  try {
    linkInto(state, state.path(name), trash, trashName(name));
    return true;
  } catch (error) {
    if (errorCode(error) === undefined && !(error instanceof MailError)) throw error;
    if (errorCode(error) !== 'ENOENT' || lstatSync(octetPath(state.path(name)), { throwIfNoEntry: false }))
      state.settings.log.error(`${state.path(name)}: cannot move it to ${trash}: ${errorCode(error)}`);
    return false;
  }
}

function linkInto(state: FolderState, from: string, trash: string, name: string): void {
  let to = `${trash}/cur/${name}`;
  for (let attempt = 0; ; attempt++) {
    try {
      steps.link(from, to);
      return;
    } catch (error) {
      const source = lstatSync(octetPath(from), { bigint: true });
      if (errorCode(error) === 'EEXIST' && attempt < 3) {
        // Moved before, and stopped before the unlink; or another message of that name.
        if (lstatSync(octetPath(to), { bigint: true }).ino === source.ino) return;
        const other = deliveredName(uniqueName(state.settings.hostname), source);
        to = `${trash}/cur/${other}${name.slice(baseLength(name))}`;
      } else if (errorCode(error) === 'ENOENT' && attempt === 0) makeFolderDirectories(trash);
      else throw error;
    }
  }
}
