/**
 * Folders of links (quota-acl-shared §4): one user's view of a folder in a sharable maildir, the target. Each message is
 * a symbolic link to the target's file; flags, keywords and UIDs are those of the links and the user's own.
 *
 * Before the folder is looked at the links are made to follow the target:
 *
 *   move the target's new mail to its `cur`, as far as that is allowed; write `shared-timestamp`;
 *   unlink links whose message has gone; where a message has another name now, symlink tmp/y and rename it over the link;
 *   for each message without a link: symlink tmp/y, rename it to new/BASE:2,
 *
 * Every step can be done again; stopping between any two leaves links that the next time puts right.
 */
import { readdirSync, readlinkSync, type Stats, statSync, utimesSync } from 'node:fs';
import { MailError } from '../base/mail-error.ts';
import { octetPath } from '../base/paths.ts';
import { errorCode } from './errno.ts';
import { canonicalInfo, flag, parseFlags, replaceFlags } from './flags.ts';
import type { FolderState } from './folder-state.ts';
import { baseLength } from './name-order.ts';
import { OpenMessage, readSmallFile } from './open-message.ts';
import type { StoreSettings } from './settings.ts';
import { Slice } from './slices.ts';
import * as steps from './steps.ts';
import { temporaryName, uniqueName } from './unique-names.ts';

/** When the links were last made to follow; Courier reads it too. */
const timestampFile = 'shared-timestamp';

/** The state of the target's directories; '' if it cannot be reached. */
export function targetStamp(target: string): string {
  const [cur, fresh] = ['cur', 'new'].map((name) => statIfThere(`${target}/${name}`));
  return cur ? `${cur.ino} ${cur.mtimeMs} ${fresh?.mtimeMs ?? 0}` : '';
}

/** Makes the links follow; the caller holds the folder's lock. */
export async function followTarget(state: FolderState, target: string): Promise<void> {
  moveNewMail(target);
  const stamp = targetStamp(target);
  const isCurrent = isNewerThanTarget(state.directory, target);
  if (!isCurrent) {
    writeTimestamp(state.directory);
    await makeLinks(state, target);
    // Our own changes may be younger than what the time stamps known so far can tell.
    state.known = undefined;
  }
  // Within a tick of the clock a later change need not show.
  const newest = Math.max(...['cur', 'new'].map((name) => statIfThere(`${target}/${name}`)?.mtimeMs ?? 0));
  state.followed = Date.now() - newest > 20 ? stamp : undefined;
}

function moveNewMail(target: string): void {
  for (const name of list(`${target}/new`))
    try {
      steps.rename(`${target}/new/${name}`, `${target}/cur/${name.includes(':') ? name : `${name}:2,`}`);
    } catch (error) {
      if (errorCode(error) === undefined) throw error; // what may not be moved is not seen
    }
}

/** In whole seconds, as Courier compares. */
function isNewerThanTarget(directory: string, target: string): boolean {
  const seconds = (path: string) => Math.floor((statIfThere(path)?.mtimeMs ?? 0) / 1000);
  const written = seconds(`${directory}/${timestampFile}`);
  return written > seconds(`${target}/new`) && written > seconds(`${target}/cur`);
}

function writeTimestamp(directory: string): void {
  const path = `${directory}/${timestampFile}`;
  if (statIfThere(path)) utimesSync(octetPath(path), new Date(), new Date());
  else steps.createWith(path, '\0', 0o600);
}

async function makeLinks(state: FolderState, target: string): Promise<void> {
  const { directory } = state;
  const missing = new Map(list(`${target}/cur`).map((name) => [name.slice(0, baseLength(name)), name]));
  const slice = new Slice();
  for (const where of ['cur', 'new'])
    for (const name of list(`${directory}/${where}`)) {
      const link = `${directory}/${where}/${name}`;
      const base = name.slice(0, baseLength(name));
      const wanted = missing.get(base);
      missing.delete(base);
      if (wanted === undefined) steps.unlink(link);
      else if (readLink(link) !== `${target}/cur/${wanted}`)
        placeLink(state, `${target}/cur/${wanted}`, link);
      if (slice.isOver()) await slice.next();
    }
  for (const [base, name] of missing) {
    placeLink(state, `${target}/cur/${name}`, `${directory}/new/${base}:2,`);
    if (slice.isOver()) await slice.next();
  }
}

function placeLink(state: FolderState, to: string, path: string): void {
  const temporary = `${state.directory}/tmp/${temporaryName(uniqueName(state.settings.hostname, 'link'))}`;
  steps.symlink(to, temporary);
  steps.rename(temporary, path);
}

/**
 * Opens a message of a folder; a link only leads to a file of the target.
 * @throws ENOENT; {MailError} unavailable
 */
export function openMessage(path: string, { linkTarget }: StoreSettings): OpenMessage {
  return new OpenMessage(linkTarget === undefined ? path : linkedFile(path, linkTarget));
}

/** Reads a message of a folder into memory, if it is small: as `readSmallFile`. @throws as `openMessage` */
export function readSmallMessage(
  path: string,
  { linkTarget }: StoreSettings,
  into: Buffer,
  at: number,
  room: number,
): number {
  return readSmallFile(linkTarget === undefined ? path : linkedFile(path, linkTarget), into, at, room);
}

/** The file a link means, also if it has got other flags since. @throws ENOENT; {MailError} unavailable */
function linkedFile(path: string, target: string): string {
  const to = readlinkSync(octetPath(path), 'latin1');
  const prefix = `${target}/cur/`;
  const name = to.slice(prefix.length);
  if (!to.startsWith(prefix) || name.includes('/'))
    throw new MailError('unavailable', 'the link leads elsewhere');
  if (statIfThere(to)) return to;
  const base = name.slice(0, baseLength(name));
  for (let bits = 0; bits < 32; bits++) {
    const other = `${prefix}${base}${canonicalInfo(bits)}`;
    if (statIfThere(other)) return other;
  }
  return to;
}

/**
 * EXPUNGE: unlinks the target's file, then the link. Who may not remove the file keeps the message, without \Deleted.
 * @returns whether the message is gone
 */
export function removeLinked(state: FolderState, name: string, target: string): boolean {
  const link = state.path(name);
  const to = readLink(link);
  if (to?.startsWith(`${target}/cur/`) && statIfThere(to))
    try {
      steps.unlink(to);
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
      const info = name.slice(baseLength(name));
      const kept = name.slice(0, baseLength(name)) + replaceFlags(info, parseFlags(info) & ~flag.deleted);
      if (kept !== name) steps.rename(link, state.path(kept));
      return false;
    }
  steps.unlink(link);
  return true;
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(octetPath(path), 'latin1');
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return undefined;
  }
}

function list(directory: string): string[] {
  try {
    return readdirSync(octetPath(directory), 'latin1').filter((name) => !name.startsWith('.'));
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return []; // it has gone, or is not for us to see
  }
}

function statIfThere(path: string): Stats | undefined {
  try {
    return statSync(octetPath(path), { throwIfNoEntry: false });
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return undefined;
  }
}
