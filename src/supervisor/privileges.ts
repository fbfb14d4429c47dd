/** Who the processes run as. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * A system user by name: from /etc/passwd, else from whatever name services `getent` asks.
 * @returns undefined if there is none
 */
export function findUser(name: string): SystemUser | undefined {
  if (!/^[A-Za-z0-9_][A-Za-z0-9._@-]*$/.test(name)) return undefined;
  const local = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((line) => line.startsWith(`${name}:`));
  return parsePasswd(local ?? askNameServices(name));
}

/** The first of these users that exists and is not root. */
export function firstUser(names: readonly string[]): SystemUser | undefined {
  for (const name of names) {
    const user = findUser(name);
    if (user && user.uid !== 0) return user;
  }
  return undefined;
}

function askNameServices(name: string): string {
  try {
    return execFileSync('getent', ['passwd', name], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return ''; // exit code 2 says that there is no such user
  }
}

function parsePasswd(line: string): SystemUser | undefined {
  const [name, , uid, gid] = line.split(':');
  if (!name || !/^\d+$/.test(uid ?? '') || !/^\d+$/.test(gid ?? '')) return undefined;
  return { name, uid: Number(uid), gid: Number(gid) };
}

/** Whether this process may become anybody. */
export function isRoot(): boolean {
  return process.geteuid!() === 0;
}

/**
 * Becomes a user for good, supplementary groups and all; does nothing without root.
 * @param username  whose groups apply; undefined: none but `gid`
 * @throws {Error} for uid 0, and when it did not work
 */
export function becomeUser(uid: number, gid: number, username: string | undefined): void {
  if (uid === 0) throw new Error('refusing to run as uid 0');
  if (!isRoot()) return;
  if (username === undefined) process.setgroups!([gid]);
  else initGroups(username, gid);
  process.setgid!(gid);
  process.setuid!(uid);
  if (process.getuid!() !== uid || process.geteuid!() !== uid || process.getegid!() !== gid) {
    throw new Error(`could not become uid ${uid}`);
  }
}

/** Missing in Node's types. */
function initGroups(username: string, gid: number): void {
  (process as unknown as { initgroups(user: string, extraGroup: number): void }).initgroups(username, gid);
}
