/**
 * The keyword directory of a folder, exactly as Courier reads, merges and writes it (maildir-store §6.3-6.5). A
 * change is a file named after the message with its complete set; readers merge changes into `:list` and keep
 * each as `.N.BASE` for 5-10 minutes, so that a slower reader cannot put an older `:list` over it.
 *
 * Merge: write and rename tmp/<unique> to :list; rename each BASE to .{T+1}.BASE or unlink an old .N.BASE.
 * Stopping after any of these applies a change twice, which changes nothing.
 */
import { closeSync, lstatSync, opendirSync, readFileSync, statSync } from 'node:fs';
import { octetPath } from '../base/paths.ts';
import { errorCode } from './errno.ts';
import { formatKeywordList, formatKeywordUpdate, parseKeywordList, parseKeywordUpdate } from './keywords.ts';
import type { StoreSettings } from './settings.ts';
import { Slice } from './slices.ts';
import * as steps from './steps.ts';
import { createTemporary } from './unique-names.ts';

const slotSeconds = 300;
const orphanSeconds = 15 * 60;
const scratchSeconds = 120;

/** Names in the directory, and what a full read must know of the folder. */
export interface KeywordContext {
  /** The folder's directory. */
  readonly folder: string;
  readonly settings: StoreSettings;
  /** Whether a message of that base name is in the folder; for slow mode every name counts. */
  isKnown(base: string): boolean;
  nowSeconds(): number;
}

export interface KeywordsRead {
  /** Base names with their keywords; messages without are missing. */
  readonly messages: Map<string, readonly string[]>;
  /** Whether somebody holding the lock should merge (`merge: true`). */
  readonly wantsMerge: boolean;
}

export function keywordDirectory(folder: string): string {
  return `${folder}/courierimapkeywords`;
}

/** Creates the directory with the folder's own mode; anything in the way is left for others to report. */
export function makeKeywordDirectory(folder: string): void {
  const directory = keywordDirectory(folder);
  try {
    steps.makeDirectory(directory, 0o700);
    steps.changeMode(directory, statSync(octetPath(folder)).mode & 0o777);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
}

interface Found {
  readonly base: string;
  /** 0: no entry. Slot numbers of `.N.BASE`; `newest` is BASE itself. */
  newest: boolean;
  current: number;
  past: number;
  entries: number;
}

/**
 * Reads all keywords of a folder.
 * @param merge  merge what is found, unlink what is left over; only under the folder's lock
 */
export async function readKeywords(context: KeywordContext, merge: boolean): Promise<KeywordsRead> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const read = await tryRead(context, merge, false);
    if (read) return read;
  }
  return (await tryRead(context, false, true))!;
}

/** One attempt; undefined if a file went meanwhile, unless such files are to be passed over. */
async function tryRead(
  context: KeywordContext,
  merge: boolean,
  passOver: boolean,
): Promise<KeywordsRead | undefined> {
  const slice = new Slice();
  const directory = keywordDirectory(context.folder);
  const messages = new Map<string, readonly string[]>();
  let rewrite = await readList(context, directory, messages, slice);
  const slot = Math.floor(context.nowSeconds() / slotSeconds);
  const { found, leftovers } = await readUpdates(context, directory, slot, merge, slice);
  for (const update of found.values()) {
    if (slice.isLong()) await slice.next();
    const name = update.newest ? update.base : `.${Math.max(update.current, update.past)}.${update.base}`;
    const text = readText(`${directory}/${name}`);
    if (text === undefined) {
      if (passOver) continue;
      return undefined;
    }
    const names = parseKeywordUpdate(text);
    if (!sameNames(messages.get(update.base) ?? [], names)) rewrite = true;
    if (names.length > 0) messages.set(update.base, names);
    else messages.delete(update.base);
  }
  if (merge) {
    if (rewrite) await writeList(context, directory, messages, slice);
    for (const update of found.values()) {
      settle(directory, update, slot);
      if (slice.isLong()) await slice.next();
    }
  }
  const mergeable = found
    .values()
    .some((update) => update.newest || (update.entries === 1 && update.past > 0));
  return { messages, wantsMerge: rewrite || leftovers || mergeable };
}

/** Whether `:list` names unknown messages or is malformed. */
async function readList(
  context: KeywordContext,
  directory: string,
  messages: Map<string, readonly string[]>,
  slice: Slice,
): Promise<boolean> {
  const text = readText(`${directory}/:list`);
  if (text === undefined) return false;
  const list = await parseKeywordList(text, slice);
  let rewrite = list.malformed;
  for (const [base, indexes] of list.messages) {
    if (slice.isOver()) await slice.next();
    if (!context.isKnown(base)) rewrite = true;
    else if (indexes.length > 0)
      messages.set(
        base,
        indexes.map((index) => list.names[index]!),
      );
  }
  return rewrite;
}

async function readUpdates(
  context: KeywordContext,
  directory: string,
  slot: number,
  merge: boolean,
  slice: Slice,
) {
  const found = new Map<string, Found>();
  let leftovers = false;
  for (const name of await listNames(directory, slice)) {
    if (slice.isOver()) await slice.next();
    if (name.startsWith(':')) continue;
    if (name.startsWith('.tmp.')) {
      const madeAt = Number.parseInt(name.slice(5), 10);
      if (merge && madeAt < context.nowSeconds() - scratchSeconds) tryUnlink(`${directory}/${name}`);
      continue;
    }
    const parsed = /^\.(\d+)\.(.+)$/s.exec(name);
    if (name.startsWith('.') && !(parsed && Number(parsed[1]) > 0)) continue;
    const base = parsed ? parsed[2]! : name;
    if (!context.isKnown(base)) {
      if (isOlder(`${directory}/${name}`, context.nowSeconds() - orphanSeconds)) {
        leftovers = true;
        if (merge) tryUnlink(`${directory}/${name}`);
      }
      continue;
    }
    let update = found.get(base);
    if (!update) {
      update = { base, newest: false, current: 0, past: 0, entries: 0 };
      found.set(base, update);
    }
    note(directory, update, parsed ? Number(parsed[1]) : undefined, slot, merge);
  }
  return { found, leftovers };
}

/** Notes one entry of a message; of two past ones the older is unlinked. */
function note(
  directory: string,
  update: Found,
  number: number | undefined,
  slot: number,
  merge: boolean,
): void {
  update.entries++;
  if (number === undefined) {
    update.newest = true;
    update.current = Math.max(update.current, slot + 1);
  } else if (number >= slot) update.current = Math.max(update.current, number);
  else {
    const older = Math.min(update.past, number);
    if (older > 0 && merge) tryUnlink(`${directory}/.${older}.${update.base}`);
    update.past = Math.max(update.past, number);
  }
}

/** After the merge: the newest file gets the number of the coming slot; a lone old one goes. */
function settle(directory: string, update: Found, slot: number): void {
  if (update.newest) {
    try {
      steps.rename(`${directory}/${update.base}`, `${directory}/.${slot + 1}.${update.base}`);
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
    }
  } else if (update.entries === 1 && update.past > 0)
    tryUnlink(`${directory}/.${update.past}.${update.base}`);
}

async function writeList(
  context: KeywordContext,
  directory: string,
  messages: Map<string, readonly string[]>,
  slice: Slice,
): Promise<void> {
  const text = await formatKeywordList(messages, slice);
  if (text === undefined) {
    tryUnlink(`${directory}/:list`);
    return;
  }
  const temporary = createTemporary(context.folder, context.settings.hostname);
  try {
    steps.write(temporary.descriptor, Buffer.from(text, 'latin1'));
    steps.rename(temporary.path, `${directory}/:list`);
  } catch (error) {
    tryUnlink(temporary.path);
    throw error;
  } finally {
    closeSync(temporary.descriptor);
  }
}

/**
 * The keywords of one message as its newest update file has them; undefined if there is none.
 * @param name  an entry of the directory: BASE or `.N.BASE`
 */
export function readKeywordUpdate(
  folder: string,
  name: string,
): { base: string; names: string[] } | undefined {
  const numbered = /^\.\d+\.(.+)$/s.exec(name);
  if (name.startsWith(':') || (name.startsWith('.') && !numbered)) return undefined;
  const base = numbered ? numbered[1]! : name;
  const directory = keywordDirectory(folder);
  const text = readText(`${directory}/${base}`) ?? (numbered ? readText(`${directory}/${name}`) : undefined);
  return text === undefined ? undefined : { base, names: parseKeywordUpdate(text) };
}

/**
 * Fast mode (§6.4): write tmp/<unique>; rename it to courierimapkeywords/BASE. The last writer wins; stopping
 * in between leaves the old set.
 * @returns the temporary file's path; `placeKeywords` puts it in its place
 */
export async function prepareKeywords(
  folder: string,
  settings: StoreSettings,
  names: readonly string[],
): Promise<string> {
  const temporary = createTemporary(folder, settings.hostname);
  try {
    if (names.length > 0)
      steps.write(temporary.descriptor, Buffer.from(formatKeywordUpdate(names), 'latin1'));
    if (settings.durable) await steps.syncFile(temporary.descriptor);
    return temporary.path;
  } catch (error) {
    tryUnlink(temporary.path);
    throw error;
  } finally {
    closeSync(temporary.descriptor);
  }
}

export function placeKeywords(folder: string, path: string, base: string): void {
  const target = `${keywordDirectory(folder)}/${base}`;
  try {
    steps.rename(path, target);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    makeKeywordDirectory(folder);
    steps.rename(path, target);
  }
}

/**
 * Slow mode (§6.5), under the lock: merge; write `.tmp.<sec>.<unique>`; link it to BASE; unlink the scratch file.
 * A BASE that appeared meanwhile is somebody's newer set: merge again.
 */
export async function changeKeywordsSlowly(
  context: KeywordContext,
  base: string,
  change: (present: readonly string[]) => readonly string[],
): Promise<readonly string[]> {
  const everything: KeywordContext = {
    ...context,
    nowSeconds: () => context.nowSeconds(),
    isKnown: () => true,
  };
  const directory = keywordDirectory(context.folder);
  for (let attempt = 0; ; attempt++) {
    const { messages } = await readKeywords(everything, true);
    const names = change(messages.get(base) ?? []);
    const scratch = `${directory}/.tmp.${context.nowSeconds()}.${process.pid}_${attempt}_${Math.random().toString(36).slice(2)}`;
    const descriptor = steps.create(scratch);
    try {
      steps.write(descriptor, Buffer.from(formatKeywordUpdate(names), 'latin1'));
      steps.link(scratch, `${directory}/${base}`);
      return names;
    } catch (error) {
      if (errorCode(error) !== 'EEXIST' || attempt === 100) throw error;
    } finally {
      closeSync(descriptor);
      tryUnlink(scratch);
    }
  }
}

/** There may be one for each message. */
async function listNames(directory: string, slice: Slice): Promise<string[]> {
  const names: string[] = [];
  try {
    const entries = opendirSync(octetPath(directory), { encoding: 'latin1', bufferSize: 512 });
    try {
      for (let entry = entries.readSync(); entry; entry = entries.readSync()) {
        names.push(entry.name);
        if (slice.isOver()) await slice.next();
      }
    } finally {
      entries.closeSync();
    }
    return names;
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'EACCES') return [];
    throw error;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(octetPath(path), 'latin1');
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'EACCES' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function isOlder(path: string, seconds: number): boolean {
  const stats = lstatSync(octetPath(path), { throwIfNoEntry: false });
  return stats !== undefined && stats.mtimeMs < seconds * 1000;
}

function tryUnlink(path: string): void {
  try {
    steps.unlink(path);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  const others = new Set(b);
  return a.length === b.length && a.every((name) => others.has(name));
}
