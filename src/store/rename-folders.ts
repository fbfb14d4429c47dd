/**
 * Renaming a folder and all below it. UIDs, UIDVALIDITY, keywords and ACLs move with the directories.
 *
 * More than one directory cannot be renamed in one step. So the plan is written to a file of the maildir first and
 * removed at the end; whoever finds it, after a crash, carries it out. Doing so twice does no harm: what has moved is
 * not there any more, and nothing is ever moved over something.
 */
import { lstatSync, readFileSync } from 'node:fs';
import { MailError } from '../base/mail-error.ts';
import { octetPath } from '../base/paths.ts';
import { asMailError, errorCode } from './errno.ts';
import { entryExists } from './folder-tree.ts';
import { moveKept } from './kept-files.ts';
import { forgetSource, inTurn, takeDotLock } from './lock.ts';
import { forgetFolder } from './registry.ts';
import { replaceFile } from './root-files.ts';
import type { StoreSettings } from './settings.ts';
import * as steps from './steps.ts';
import { replaceUidValidity, type UidValidityRecord, uidValidityOf } from './uid-validity.ts';

/** Directory entries, `.old` -> `.new`. */
export type Move = readonly [from: string, to: string];

/** The file with the moves that have begun. */
export const planFile = 'postrider-rename';

/**
 * Moves folders.
 *
 *   save the UIDVALIDITY record; for a folder whose new name had this UIDVALIDITY: replace its UID database;
 *   write the plan if there are several moves; rename each; unlink the plan
 *
 * @param moves  in the order to do them; undone in reverse if one fails
 * @throws {MailError} exists: something has a new name already; notFound, noPermission, unavailable
 */
export async function moveFolders(
  maildir: string,
  moves: readonly Move[],
  record: UidValidityRecord,
  settings: StoreSettings,
): Promise<void> {
  if (moves.some(([, to]) => entryExists(maildir, to))) throw new MailError('exists', 'the mailbox exists');
  try {
    await keepPairsApart(maildir, moves, record, settings);
    if (moves.length > 1) await replaceFile(maildir, planFile, JSON.stringify(moves), settings);
    renameAll(maildir, moves, settings);
    if (settings.durable) await steps.syncDirectory(maildir);
    if (moves.length > 1) steps.unlink(`${maildir}/${planFile}`);
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (code === 'ENOENT') throw new MailError('notFound', 'no such mailbox');
    if (code === 'ENOTEMPTY' || code === 'EEXIST') throw new MailError('exists', 'the mailbox exists');
    throw asMailError(error, 'cannot rename the folder');
  }
}

/** See uid-validity.ts. The old names are remembered before anybody can use them again. */
async function keepPairsApart(
  maildir: string,
  moves: readonly Move[],
  record: UidValidityRecord,
  settings: StoreSettings,
): Promise<void> {
  const again: string[] = [];
  for (const [from, to] of moves) {
    const directory = `${maildir}/${from}`;
    const uidValidity = uidValidityOf(directory);
    const inode = lstatSync(octetPath(directory), { throwIfNoEntry: false })?.ino;
    if (uidValidity === undefined || inode === undefined) continue;
    record.remember({ uidValidity, inode, entry: from });
    if (record.wasAnother({ uidValidity, inode, entry: to })) again.push(directory);
  }
  const values = again.map(() => record.take(Math.floor(Date.now() / 1000)));
  await record.save(maildir, settings);
  for (const [i, directory] of again.entries())
    await inTurn(directory, async () => {
      const release = await takeDotLock(directory, settings);
      try {
        forgetFolder(directory);
        await replaceUidValidity(directory, values[i], settings);
      } finally {
        release();
      }
    });
}

function renameAll(maildir: string, moves: readonly Move[], settings: StoreSettings): void {
  const done: Move[] = [];
  try {
    for (const move of moves) {
      renameOne(maildir, move, settings);
      done.push(move);
    }
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    for (const [from, to] of done.reverse()) renameOne(maildir, [to, from], settings);
    if (moves.length > 1) steps.unlink(`${maildir}/${planFile}`);
    throw error;
  }
}

function renameOne(maildir: string, [from, to]: Move, settings: StoreSettings): void {
  forgetFolder(`${maildir}/${from}`);
  forgetSource(`${maildir}/${from}`);
  steps.rename(`${maildir}/${from}`, `${maildir}/${to}`);
  moveKept(`${maildir}/${from}`, `${maildir}/${to}`, settings);
}

/** Carries out what a crash has interrupted; the caller holds the account's lock. */
export async function finishMoves(maildir: string, settings: StoreSettings): Promise<void> {
  const moves = readPlan(maildir);
  if (moves === undefined) return;
  for (const [from, to] of moves) {
    if (!entryExists(maildir, from)) continue;
    if (entryExists(maildir, to)) settings.log.warn(`${maildir}: ${from} stays: there is a new ${to}`);
    else renameOne(maildir, [from, to], settings);
  }
  if (settings.durable) await steps.syncDirectory(maildir);
  steps.unlink(`${maildir}/${planFile}`);
}

/** undefined: there is no plan. A damaged one was never carried out, for it is put in place whole. */
function readPlan(maildir: string): Move[] | undefined {
  try {
    const plan: unknown = JSON.parse(readFileSync(octetPath(maildir, planFile), 'latin1'));
    return Array.isArray(plan) ? plan.filter(isMove) : [];
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

/** A plan is a file that anybody may have put there: it must not reach beyond the account's folders. */
function isMove(move: unknown): move is Move {
  return (
    Array.isArray(move) && move.length === 2 && move.every((entry) => /^\.[^./][^/\0]*$/.test(String(entry)))
  );
}
