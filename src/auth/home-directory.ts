/**
 * AUTH_MKHOMEDIR_SKEL (authlib §11): a home directory that is missing is made at login, as a copy of a skeleton.
 *
 * It is put together beside its place, out of reach of its owner to be, and renamed: it is there as a whole or not at
 * all. Stopped on the way we leave a directory `HOME.new-…`.
 */
import type { Stats } from 'node:fs';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../base/log.ts';
import { octetPath, pathOctets } from '../base/paths.ts';
import type { Account } from './account-record.ts';
import { errorText } from './auth-error.ts';

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Makes what is missing; an error is logged and hinders nobody, as the session will say what it lacks. */
export type MakeHome = (account: Account) => Promise<void>;

/** @param uidOf  the uid of a system account */
export function createHomeMaker(
  skeleton: string,
  uidOf: (username: string) => Promise<number | undefined>,
  log: Log,
): MakeHome {
  /** By home directory: two logins at once make one. */
  const running = new Map<string, Promise<void>>();

  async function make(home: string, account: Account): Promise<void> {
    if (!(await isMissing(octetPath(home)))) return;
    const model = await fs.stat(skeleton);
    const uid = account.uid ?? (await uidOf(account.username ?? ''));
    if (!model.isDirectory() || uid === undefined) return;
    const place = `${home}.new-${process.pid}-${Date.now().toString(36)}`;
    try {
      await copyDirectory(pathOctets(skeleton), place, model, { uid, gid: account.gid }, log);
      await fs.rename(octetPath(place), octetPath(home));
      log.info(`${account.address}: made ${home}`);
    } catch (error) {
      await fs.rm(octetPath(place), { recursive: true, force: true });
      throw error;
    }
  }

  return async (account) => {
    const home = account.home.replace(/\/+$/, '');
    if (!home.startsWith('/')) return;
    const work =
      running.get(home) ??
      make(home, account)
        .catch((error: unknown) =>
          log.warn(`${account.address}: ${home} cannot be made: ${errorText(error)}`),
        )
        .finally(() => running.delete(home));
    running.set(home, work);
    await work;
  };
}

async function isMissing(path: Buffer | string): Promise<boolean> {
  try {
    await fs.lstat(path);
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw error;
  }
}

/** mkdir, then what is in it, then its owner and mode, so that nobody else gets in before it is done. */
async function copyDirectory(from: string, to: string, model: Stats, owner: Owner, log: Log): Promise<void> {
  await fs.mkdir(octetPath(to), { mode: 0o700 });
  for (const name of await fs.readdir(octetPath(from), { encoding: 'latin1' }))
    await copyEntry(join(from, name), join(to, name), owner, log);
  await giveAway(to, model, owner);
}

async function copyEntry(from: string, to: string, owner: Owner, log: Log): Promise<void> {
  const stats = await fs.lstat(octetPath(from));
  if (stats.isDirectory()) await copyDirectory(from, to, stats, owner, log);
  else if (stats.isSymbolicLink()) {
    await fs.symlink(await fs.readlink(octetPath(from), { encoding: 'buffer' }), octetPath(to));
    await chown(to, owner);
  } else if (stats.isFile()) {
    await fs.copyFile(octetPath(from), octetPath(to), fs.constants.COPYFILE_EXCL);
    await giveAway(to, stats, owner);
  } else log.warn(`${from} is neither a file nor a directory, and not copied`);
}

/** The mode last: a change of the owner takes bits away. */
async function giveAway(path: string, { mode }: Stats, owner: Owner): Promise<void> {
  await chown(path, owner);
  await fs.chmod(octetPath(path), mode & 0o7777);
}

/** Only root can; others make what is theirs anyway. */
async function chown(path: string, { uid, gid }: Owner): Promise<void> {
  if (process.geteuid!() === 0) await fs.lchown(octetPath(path), uid, gid);
}
