/**
 * COPY (maildir-store §8.2) and MOVE:
 *
 *   for each message: link source tmp/y, or create tmp/y, write, utimes, fsync; (keywords: tmp/k)
 *   under the target's lock: rename tmp/k; rename tmp/y cur/BASE:2,…; the UID database (assign.ts)
 *   MOVE: unlink each source; the base name stays if the target has none of that name
 *
 * Where Courier copies the octets, a message of our own user on the same file system gets a second link: messages
 * never change. Stopping before the end of a MOVE leaves the message in both folders.
 */
import { closeSync, existsSync, fstatSync, lstatSync } from 'node:fs';
import { MailError } from '../base/mail-error.ts';
import { octetPath } from '../base/paths.ts';
import { deliver } from './append.ts';
import type { Incoming } from './assign.ts';
import { asMailError, errorCode } from './errno.ts';
import { expunge } from './expunge.ts';
import { allFlags, canonicalInfo } from './flags.ts';
import type { FolderState } from './folder-state.ts';
import { deliveryDirectory, discardAll, IncomingFile } from './incoming-file.ts';
import { prepareKeywords } from './keyword-files.ts';
import { openMessage } from './link-folder.ts';
import { withFile } from './relocate.ts';
import { nextTurn, Slice, turnAfter } from './slices.ts';
import * as steps from './steps.ts';
import {
  createTemporary,
  deliveredName,
  temporaryName,
  type UniqueName,
  uniqueName,
} from './unique-names.ts';

export interface CopyOptions {
  /** Bits of `flag` that the copies keep; default all. */
  readonly flagMask?: number;
  /** Whether the copies keep their keywords; default true. */
  readonly keywords?: boolean;
  /** Whether they keep their base names, where the target has no message of that name; default false. */
  readonly baseNames?: boolean;
}

export interface Copied {
  /** Of the target. */
  readonly uidValidity: number;
  /** [source UID, new UID] of each message copied, in order; messages that had gone are missing. */
  readonly pairs: [number, number][];
}

/** All or nothing, but messages that have gone are passed over. @throws {MailError} overQuota, unavailable */
export async function copyMessages(
  target: FolderState,
  source: FolderState,
  uids: readonly number[],
  options: CopyOptions = {},
): Promise<Copied> {
  const incoming: Incoming[] = [];
  const copied: number[] = [];
  const slice = new Slice();
  try {
    for (const uid of uids) {
      const message = await prepareCopy(target, source, uid, options);
      if (message) {
        incoming.push(message);
        copied.push(uid);
      }
      if (slice.isLong()) await slice.next();
    }
  } catch (error) {
    await discardAll(incoming);
    throw asMailError(error, 'cannot copy');
  }
  if (incoming.length === 0) return { uidValidity: target.uidValidity, pairs: [] };
  const { uidValidity, uids: given } = await deliver(target, incoming);
  await turnAfter(given.length);
  return { uidValidity, pairs: copied.map((uid, index) => [uid, given[index]!]) };
}

/** The same; what was copied leaves the source. */
export async function moveMessages(
  target: FolderState,
  source: FolderState,
  uids: readonly number[],
  options: CopyOptions = {},
): Promise<Copied> {
  const copied = await copyMessages(target, source, uids, { ...options, baseNames: target !== source });
  await turnAfter(copied.pairs.length);
  const moved = copied.pairs.map((pair) => pair[0]);
  await turnAfter(moved.length);
  await expunge(source, moved);
  return copied;
}

/** Undefined if the message has gone. */
async function prepareCopy(
  target: FolderState,
  source: FolderState,
  uid: number,
  options: CopyOptions,
): Promise<Incoming | undefined> {
  const row = source.columns.rowOf(uid);
  if (row < 0) return undefined;
  const keywords =
    options.keywords === false || target.settings.keywords === 0
      ? []
      : source.keywordTable.sets[source.columns.keywordSet[row]!]!;
  const file = await takeFile(target, source, row);
  if (!file) return undefined;
  // The flags as they are after the file was found, which may have changed them.
  const now = source.columns.rowOf(uid);
  const bits = now < 0 ? 0 : source.columns.flags[now]! & (options.flagMask ?? allFlags);
  const keywordFile =
    keywords.length > 0 ? await prepareKeywords(target.directory, target.settings, keywords) : undefined;
  const wantedBase = options.baseNames && now >= 0 ? source.columns.baseName(now) : undefined;
  return new IncomingFile(target, { ...file, wantedBase, info: canonicalInfo(bits), keywordFile, keywords });
}

interface TakenFile {
  readonly temporary: string;
  readonly base: string;
  readonly mtimeSeconds: number;
}

async function takeFile(
  target: FolderState,
  source: FolderState,
  row: number,
): Promise<TakenFile | undefined> {
  try {
    const isLinked = source.settings.linkTarget !== undefined || target.settings.linkTarget !== undefined;
    const linked = isLinked ? undefined : withFile(source, row, (path) => linkFile(target, path));
    return linked ?? (await copyFile(target, source, row));
  } catch (error) {
    if (error instanceof MailError && error.kind === 'expunged') return undefined;
    throw error;
  }
}

/** Undefined if the message needs a copy of its own. @throws ENOENT */
function linkFile(target: FolderState, path: string): TakenFile | undefined {
  const stats = lstatSync(octetPath(path), { bigint: true });
  if (!stats.isFile()) throw new MailError('unavailable', 'the message is no regular file');
  if (Number(stats.uid) !== process.geteuid?.()) return undefined;
  const name = uniqueName(target.settings.hostname);
  const temporary = `${target.directory}/tmp/${temporaryName(name)}`;
  try {
    steps.link(path, temporary);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' && !existsSync(octetPath(`${target.directory}/tmp`)))
      throw new MailError('unavailable', 'the target folder has no tmp directory', { cause: error });
    if (code === 'EXDEV' || code === 'EPERM' || code === 'EMLINK' || code === 'ENOTSUP') return undefined;
    throw error;
  }
  return takenFile(name, temporary, stats);
}

function takenFile(
  name: UniqueName,
  temporary: string,
  stats: { dev: bigint; ino: bigint; size: bigint; mtimeMs: bigint },
): TakenFile {
  const mtimeSeconds = Math.max(0, Math.floor(Number(stats.mtimeMs) / 1000));
  return { temporary, base: deliveredName(name, stats), mtimeSeconds };
}

/** Copies the octets, in pieces. */
async function copyFile(target: FolderState, source: FolderState, row: number): Promise<TakenFile> {
  const message = withFile(source, row, (path) => openMessage(path, source.settings));
  try {
    const { name, path, descriptor } = createTemporary(deliveryDirectory(target), target.settings.hostname);
    try {
      const buffer = Buffer.allocUnsafe(65536);
      for (let at = 0; ; ) {
        const got = message.read(buffer, at);
        if (got === 0) break;
        steps.write(descriptor, buffer.subarray(0, got));
        at += got;
        await nextTurn();
      }
      steps.setTimes(descriptor, message.mtimeSeconds);
      if (target.settings.durable) await steps.syncFile(descriptor);
      return takenFile(name, path, fstatSync(descriptor, { bigint: true }));
    } catch (error) {
      steps.unlink(path);
      throw error;
    } finally {
      closeSync(descriptor);
    }
  } finally {
    message.close();
  }
}
