/**
 * STORE (maildir-store §8.4): rename cur/BASE:2,old cur/BASE:2,new; before it, for keywords, a file of its own
 * (keyword-files.ts). Every single call leaves the old state or the new one.
 */
import { existsSync, lstatSync } from 'node:fs';
import { MailError } from '../base/mail-error.ts';
import { octetPath } from '../base/paths.ts';
import { asMailError, errorCode } from './errno.ts';
import { allFlags, replaceFlags } from './flags.ts';
import { keywordContext, takeKeywords } from './folder-keywords.ts';
import type { FolderState } from './folder-state.ts';
import { changeKeywordsSlowly, keywordDirectory, placeKeywords, prepareKeywords } from './keyword-files.ts';
import { KeywordTable } from './keywords.ts';
import { inTurn } from './lock.ts';
import { underLock } from './refresh.ts';
import { relocate } from './relocate.ts';
import { Slice } from './slices.ts';
import * as steps from './steps.ts';

export interface FlagChange {
  readonly mode: 'add' | 'remove' | 'replace';
  /** Bits of `flag`. */
  readonly flags: number;
  /** Octets as latin1. */
  readonly keywords: readonly string[];
  /** Bits this request may touch (rights); default all. */
  readonly mask?: number;
  /** Whether it may touch keywords (rights); default true. */
  readonly keywordsAllowed?: boolean;
  /** It need not be on the disk when the promise resolves, whatever the settings say. */
  readonly unsynced?: true;
}

/**
 * Changes flags and keywords; messages that have gone are passed over.
 * @throws {MailError} noPermission, overQuota, unavailable: some messages may have been changed
 */
export async function storeFlags(
  state: FolderState,
  uids: Iterable<number>,
  change: FlagChange,
): Promise<void> {
  const mask = (change.mask ?? allFlags) & allFlags;
  const withKeywords = changesKeywords(state, change);
  const endChange = state.startOwnChange(withKeywords);
  const wanted = withKeywords ? [...uids] : uids;
  if (withKeywords) await storeKeywords(state, wanted, change);
  const renamed = await storeBits(state, wanted, change, mask);
  if (withKeywords || renamed) endChange();
  if (renamed && state.settings.durable && change.unsynced !== true)
    await steps.syncDirectory(`${state.directory}/cur`);
}

function changesKeywords(state: FolderState, change: FlagChange): boolean {
  if (state.settings.keywords === 0 || change.keywordsAllowed === false) return false;
  return change.mode === 'replace' || change.keywords.length > 0;
}

async function storeBits(
  state: FolderState,
  uids: Iterable<number>,
  change: FlagChange,
  mask: number,
): Promise<boolean> {
  if (change.mode !== 'replace' && (change.flags & mask) === 0) return false;
  const slice = new Slice();
  let renamed = false;
  for (const uid of uids) {
    const row = state.columns.rowOf(uid);
    if (row >= 0 && storeRow(state, row, change, mask)) renamed = true;
    if (slice.isLong()) await slice.next();
  }
  return renamed;
}

function newBits(present: number, change: FlagChange, mask: number): number {
  if (change.mode === 'add') return present | (change.flags & mask);
  if (change.mode === 'remove') return present & ~(change.flags & mask);
  return (present & ~mask) | (change.flags & mask);
}

/** Renames one message's file; whether that was needed. Flags that others set meanwhile are honoured. */
function storeRow(state: FolderState, row: number, change: FlagChange, mask: number): boolean {
  const { columns } = state;
  for (let attempt = 0; attempt < 5; attempt++) {
    const base = columns.baseName(row);
    const info = columns.info(row);
    const bits = newBits(columns.flags[row]!, change, mask);
    const oldPath = state.path(base + info);
    if (bits === columns.flags[row]) {
      if (lstatSync(octetPath(oldPath), { throwIfNoEntry: false })) return false;
    } else if (renameInfo(state, oldPath, base, info, replaceFlags(info, bits))) {
      if (columns.setInfo(row, replaceFlags(info, bits))) state.rowChanged(row);
      if (columns.seen) columns.seen[row] = 2;
      return true;
    }
    if (!relocate(state, row)) return false;
  }
  return false;
}

/** False if there is no such file. */
function renameInfo(
  state: FolderState,
  oldPath: string,
  base: string,
  info: string,
  changed: string,
): boolean {
  const newPath = state.path(base + changed);
  // Two files of one base name: a rename would destroy the other.
  if (existsSync(octetPath(newPath))) {
    if (!lstatSync(octetPath(oldPath), { throwIfNoEntry: false })) return false;
    throw new MailError('unavailable', 'another file has the name the message would get');
  }
  const { watch } = state;
  watch?.expect('cur', base + info);
  watch?.expect('cur', base + changed);
  try {
    steps.rename(oldPath, newPath);
    return true;
  } catch (error) {
    watch?.unexpect('cur', base + info);
    watch?.unexpect('cur', base + changed);
    if (errorCode(error) === 'ENOENT') return false;
    throw asMailError(error, 'cannot change flags');
  }
}

async function storeKeywords(state: FolderState, uids: Iterable<number>, change: FlagChange): Promise<void> {
  try {
    if (state.settings.keywords === 2 && change.mode !== 'replace') await storeSlowly(state, uids, change);
    else await storeFast(state, uids, change);
    if (state.settings.durable) await steps.syncDirectory(keywordDirectory(state.directory));
  } catch (error) {
    throw asMailError(error, 'cannot change keywords');
  }
}

/** Fast mode: the complete set as we know it; the last writer wins. */
async function storeFast(state: FolderState, uids: Iterable<number>, change: FlagChange): Promise<void> {
  const { keywordTable } = state;
  const slice = new Slice();
  for (const uid of uids) {
    if (slice.isLong()) await slice.next();
    const before = state.columns.rowOf(uid);
    if (before < 0) continue;
    const id = keywordTable.change(state.columns.keywordSet[before]!, change.mode, change.keywords);
    if (id === state.columns.keywordSet[before]) continue;
    const base = state.columns.baseName(before);
    const temporary = await prepareKeywords(state.directory, state.settings, keywordTable.sets[id]!);
    state.watch?.expect('courierimapkeywords', base);
    placeKeywords(state.directory, temporary, base);
    state.unmergedKeywords++;
    const row = state.columns.rowOf(uid);
    if (row >= 0) takeKeywords(state, row, keywordTable.sets[id]!);
  }
}

/** Slow mode: merged with what others wrote, under the lock. */
async function storeSlowly(state: FolderState, uids: Iterable<number>, change: FlagChange): Promise<void> {
  await inTurn(state.turnKey, async () => {
    const ran = await underLock(state, async () => {
      const slice = new Slice();
      for (const uid of uids) {
        const row = state.columns.rowOf(uid);
        if (row >= 0) await changeSlowly(state, row, change);
        if (slice.isLong()) await slice.next();
      }
    });
    if (!ran) throw new MailError('noPermission', 'the folder cannot be written');
  });
}

async function changeSlowly(state: FolderState, row: number, change: FlagChange): Promise<void> {
  const base = state.columns.baseName(row);
  const names = await changeKeywordsSlowly(keywordContext(state), base, (present) => {
    const table = new KeywordTable();
    return table.sets[table.change(table.idOf(present), change.mode, change.keywords)]!;
  });
  state.unmergedKeywords++;
  const now = state.columns.rowOfName(base, base.length);
  if (now >= 0) takeKeywords(state, now, names);
}
