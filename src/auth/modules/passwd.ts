/** `authpwd` and `authshadow` (authlib §7): the hash is in passwd, or in shadow with its expiry. */
import { type AccountSource, type StoredAccount, storedModule } from '../stored-module.ts';
import { findShadowEntry, findSystemAccount, type ShadowEntry } from '../system-accounts.ts';
import type { AuthModule, ModuleContext } from './module.ts';
import { accountOf, changeSystemPassword, enumerateSystem } from './system.ts';

const dayMs = 86_400_000;

/** The account or its password has expired. */
export function hasExpired(entry: ShadowEntry, today: number): boolean {
  const { expires, lastChange, maxDays } = entry;
  if (expires !== undefined && expires > 0 && today > expires) return true;
  return lastChange !== undefined && maxDays !== undefined && lastChange + maxDays < today;
}

function systemModule(
  name: string,
  hashOf: (userId: string, passwd: string) => Promise<string | undefined>,
  context: ModuleContext,
): AuthModule {
  const source: AccountSource = {
    name,
    async find(userId): Promise<StoredAccount | undefined> {
      const found = await findSystemAccount(userId);
      if (!found) return undefined;
      const crypt = await hashOf(userId, found.password);
      return crypt === undefined ? undefined : { account: accountOf(userId, found), crypt };
    },
    async store(request) {
      return !request.userId.includes('@') && changeSystemPassword(request, undefined, context);
    },
    enumerate: enumerateSystem,
    async close() {},
  };
  return storedModule(source, context);
}

export function createPwdModule(context: ModuleContext): AuthModule {
  return systemModule('authpwd', async (_, passwd) => passwd, context);
}

export function createShadowModule(context: ModuleContext): AuthModule {
  const hashOf = async (userId: string) => {
    const entry = await findShadowEntry(userId);
    return entry && !hasExpired(entry, Math.floor(Date.now() / dayMs)) ? entry.password : undefined;
  };
  return systemModule('authshadow', hashOf, context);
}
