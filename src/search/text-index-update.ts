import { MailError } from '../base/mail-error.ts';
import type { Folder } from '../store/folder.ts';
import { keptPath, keptTemporary } from '../store/kept-files.ts';
import { MessageReader } from './message-reader.ts';
import { joinSegments, TextColumns, type TextSegment } from './text-columns.ts';
import { feedText } from './text-feed.ts';
import { NewTextIndexFile, type StoredSegment, TextIndexFile } from './text-index-file.ts';

export interface TextIndexWork {
  /** Make it anew: the one that is there is damaged. */
  readonly isFresh?: boolean;
  /** Take only so many messages, or half as many as it has already, whichever is more; default: all. */
  readonly messages?: number;
  /** Asked between messages, and between pieces of large ones; what to wait for before going on. */
  pause(): Promise<void> | undefined;
  /** Told after each message. */
  progress?(done: number, total: number): void;
}

/**
 * Brings a folder's text index up to date, or makes it: one pass over the messages it does not have. One that is
 * mostly of removed messages is made anew. The order on the disk: a new file in `tmp`, written, renamed.
 * @returns whether there is more to do
 * @throws a system error: the index stays as it was
 */
export async function updateTextIndex(folder: Folder, work: TextIndexWork): Promise<boolean> {
  const { directory, settings, uidValidity } = folder;
  const path = keptPath(directory, settings, 'text');
  const old = openTextIndex(path, uidValidity);
  let target: NewTextIndexFile | undefined;
  try {
    const kept = old === undefined || work.isFresh === true ? [] : await usableSegments(old, folder, work);
    // The last segment may have room for what is new.
    const last = kept.pop();
    const open = last === undefined ? undefined : old!.load(last);
    if (last !== undefined && open === undefined) kept.length = 0;
    const indexedTo = open?.uids.at(-1) ?? 0;
    const missing = folder.uids.slice(0, folder.count).filter((uid) => uid > indexedTo);
    if (missing.length === 0) return false;
    const indexed = [...kept, ...(open === undefined ? [] : [open])];
    const before = indexed.reduce((sum, segment) => sum + segment.uids.length, 0);
    const uids = missing.subarray(0, Math.max(before / 2, work.messages ?? missing.length));
    target = new NewTextIndexFile(keptTemporary(directory, settings, 'text'), uidValidity);
    for (const segment of kept) {
      target.copy(old!, segment);
      await work.pause();
    }
    const added = await writeMessages(folder, uids, target, open, work);
    // Where another process was faster and has more, its index stays.
    const isBest = added > 0 && isBehind(path, uidValidity, old, before + added);
    target.finish(isBest ? path : undefined);
    target = undefined;
    return isBest && uids.length < missing.length;
  } finally {
    old?.close();
    target?.finish(undefined);
  }
}

/** Whether the index in place is still the old one, or has fewer messages. */
function isBehind(
  path: string,
  uidValidity: number,
  old: TextIndexFile | undefined,
  messages: number,
): boolean {
  const now = openTextIndex(path, uidValidity);
  if (now === undefined) return old === undefined;
  try {
    if (now.identity === old?.identity) return true;
    let theirs = 0;
    for (const segment of now.segments()) theirs += segment.uids.length;
    return theirs < messages;
  } finally {
    now.close();
  }
}

/** Undefined where there is none that can be used. */
export function openTextIndex(path: string, uidValidity: number): TextIndexFile | undefined {
  try {
    return new TextIndexFile(path, uidValidity);
  } catch {
    return undefined;
  }
}

/** None where the file is damaged, or mostly of removed messages. */
async function usableSegments(
  file: TextIndexFile,
  folder: Folder,
  work: TextIndexWork,
): Promise<StoredSegment[]> {
  const segments: StoredSegment[] = [];
  let messages = 0;
  let gone = 0;
  for (const segment of file.segments()) {
    segments.push(segment);
    messages += segment.uids.length;
    for (const uid of segment.uids) if (folder.rowOf(uid) < 0) gone++;
    await work.pause();
  }
  return file.isDamaged || gone * 2 > messages ? [] : segments;
}

/** @param open  the segment that goes on @returns how many could be read and had room */
async function writeMessages(
  folder: Folder,
  uids: Uint32Array,
  target: NewTextIndexFile,
  open: TextSegment | undefined,
  work: TextIndexWork,
): Promise<number> {
  const columns = new TextColumns();
  const reader = new MessageReader(folder);
  let waiting = open;
  let added = 0;
  const finishSegment = () => {
    const made = columns.finish();
    const both = waiting && joinSegments(waiting, made);
    if (both === undefined && waiting !== undefined) target.write(waiting);
    waiting = both ?? made;
  };
  for (const [done, uid] of uids.entries()) {
    let isIn = await feedMessage(folder, uid, reader, columns, work);
    if (isIn === false) {
      // The segment had no room: the message begins the next one. One that has no room there is not indexed.
      if (columns.messages > 0) finishSegment();
      else columns.finish();
      isIn = await feedMessage(folder, uid, reader, columns, work);
      if (isIn === false) columns.finish();
    }
    if (isIn === true) added++;
    if (columns.isFull) finishSegment();
    work.progress?.(done + 1, uids.length);
    const pausing = work.pause();
    if (pausing !== undefined) await pausing;
  }
  if (columns.messages > 0) finishSegment();
  if (waiting !== undefined) target.write(waiting);
  return added;
}

/** @returns false if there was no room; undefined if the message cannot be read */
async function feedMessage(
  folder: Folder,
  uid: number,
  reader: MessageReader,
  columns: TextColumns,
  work: TextIndexWork,
): Promise<boolean | undefined> {
  columns.beginMessage();
  try {
    await feedText(folder, uid, reader, columns, () => work.pause());
    return columns.endMessage(uid);
  } catch (error) {
    if (error instanceof MailError) return undefined;
    throw error;
  } finally {
    reader.close();
  }
}
