/** What authpam, authpwd and authshadow have in common (authlib §7): accounts of the system. Octet strings. */
import { execFile } from 'node:child_process';
import type { Account, EnumeratedAccount } from '../account-record.ts';
import { AuthError } from '../auth-error.ts';
import type { SystemAccount } from '../system-accounts.ts';
import type { ModuleContext, PasswordChange } from './module.ts';

export function accountOf(userId: string, { uid, gid, home, gecos }: SystemAccount): Account {
  return { address: userId, username: userId, uid, gid, home, fullName: gecos.split(',', 1)[0] };
}

const firstUser = 100;
const maxListOctets = 1 << 28;

/** Accounts with a uid of at least 100, of every name service. */
export async function* enumerateSystem(): AsyncGenerator<EnumeratedAccount> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  execFile('getent', ['passwd'], { encoding: 'latin1', maxBuffer: maxListOctets }, (error, list) => {
    if (error) reject(new AuthError('temporary', 'getent passwd failed', { cause: error }));
    else resolve(list);
  });
  for (const line of (await promise).split('\n')) {
    const [address, , uid, gid, , home] = line.split(':');
    if (!address || home === undefined || Number(uid) < firstUser) continue;
    yield { address, uid: Number(uid), gid: Number(gid), home };
  }
}

/** Courier runs `passwd` as the user; we change the password through PAM's `passwd` service. */
export async function changeSystemPassword(
  { userId, newPassword }: PasswordChange,
  serviceDirectory: string | undefined,
  { log }: ModuleContext,
): Promise<boolean> {
  const { pamSetPassword } = await import('./pam-library.ts');
  const message = (text: string) => log.info(`passwd: ${text}`);
  const result = await pamSetPassword({
    service: 'passwd',
    userId,
    password: newPassword,
    serviceDirectory,
    message,
  });
  if (result.kind !== 'success') log.error(`the password of ${userId} was not changed: ${result.reason}`);
  return result.kind === 'success';
}
