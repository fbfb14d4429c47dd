/** `authpam` (authlib §7): the PAM service is the request's, the remote host the mail client's address. */
import type { Account } from '../account-record.ts';
import { AuthError } from '../auth-error.ts';
import { createWorkQueue } from '../passwords.ts';
import { findShadowEntry, findSystemAccount } from '../system-accounts.ts';
import type { AuthModule, LoginRequest, ModuleContext } from './module.ts';
import { accountOf, changeSystemPassword, enumerateSystem } from './system.ts';

export interface PamSettings {
  /** Requests at once, a thread each (`daemons`). */
  readonly concurrency: number;
  /** Instead of /etc/pam.d, for tests. */
  readonly serviceDirectory?: string | undefined;
}

export function createPamModule(settings: PamSettings, context: ModuleContext): AuthModule {
  const queue = createWorkQueue(settings.concurrency);
  const { serviceDirectory } = settings;

  async function lookup(userId: string): Promise<Account | undefined> {
    const found = await findSystemAccount(userId);
    if (!found) return undefined;
    const shadow = found.password === 'x' ? await findShadowEntry(userId) : undefined;
    return { ...accountOf(userId, found), cryptPassword: shadow?.password ?? found.password };
  }

  async function login({ service, userId, password, remoteIp }: LoginRequest): Promise<Account | undefined> {
    if (!/^[\w.+@-]+$/.test(service)) return undefined;
    const account = await lookup(userId);
    const { pamLogin } = await import('./pam-library.ts');
    const message = (text: string) => context.log.info(`PAM: ${text}`);
    // An unknown user is asked for as well: PAM spends the time, and its log has the name.
    const result = await queue.run(() =>
      pamLogin({ service, userId, password, remoteIp, serviceDirectory, message }),
    );
    context.trace(`pam: ${result.reason}`);
    if (result.kind === 'temporary') throw new AuthError('temporary', result.reason);
    return result.kind === 'success' && account ? { ...account, clearPassword: password } : undefined;
  }

  return {
    name: 'authpam',
    login,
    cram: async () => undefined,
    lookup,
    enumerate: enumerateSystem,
    async changePassword(request) {
      if (request.userId.includes('@')) return false;
      const { service, userId, oldPassword } = request;
      if (!(await login({ service, userId, password: oldPassword }))) return false;
      return queue.run(() => changeSystemPassword(request, serviceDirectory, context));
    },
    async close() {},
  };
}
