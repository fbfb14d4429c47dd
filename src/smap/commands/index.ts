/** Every command of a client that has logged in, but LOGOUT (smap §4). */
import type { SmapSession } from '../session.ts';
import { acl, deleteAcl, getAcl, setAcl } from './acl.ts';
import { add, reset } from './add.ts';
import { copy, move } from './copy.ts';
import { expunge } from './expunge.ts';
import { fetch } from './fetch.ts';
import { create, makeDirectory, remove, removeDirectory, rename } from './folders.ts';
import { idle } from './idle.ts';
import { list, status } from './list.ts';
import { close, noop, open, openWithSnapshot } from './open.ts';
import { search } from './search.ts';
import { store } from './store.ts';

/**
 * Runs a command. @returns what follows `+OK`
 * @throws {Refused} what follows `-ERR` @throws {MailError}
 */
export type Run = (session: SmapSession, words: readonly string[]) => string | Promise<string>;

const commands: ReadonlyMap<string, Run> = new Map<string, Run>([
  ['ACL', acl],
  ['ADD', add],
  ['CLOSE', close],
  ['COPY', copy],
  ['CREATE', create],
  ['DELETE', remove],
  ['DELETEACL', deleteAcl],
  ['EXPUNGE', expunge],
  ['FETCH', fetch],
  ['GETACL', getAcl],
  ['IDLE', idle],
  ['LIST', list],
  ['MKDIR', makeDirectory],
  ['MOVE', move],
  ['NOOP', noop],
  ['OPEN', open],
  ['RENAME', rename],
  ['RMDIR', removeDirectory],
  ['RSET', reset],
  ['SEARCH', search],
  ['SETACL', setAcl],
  ['SOPEN', openWithSnapshot],
  ['STATUS', status],
  ['STORE', store],
]);

/** @param name  upper case */
export function findCommand(name: string): Run | undefined {
  return commands.get(name);
}
