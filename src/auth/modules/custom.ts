/**
 * `authcustom` (authlib §10): a module of the site's own, `<config dir>/authcustom.js`, an ES module that exports
 *
 *     export function createModule(context) {
 *       return {
 *         async login({ service, userId, password, remoteIp }) { return account or undefined },
 *         async lookup(userId, service) { return account or undefined },
 *         // if it can: cram(request), changePassword(request), enumerate(), close()
 *       };
 *     }
 *
 * An account is `{ address, uid, gid, home, maildir?, quota?, fullName?, options?, clearPassword? }`. Every text is an
 * octet string (latin1). undefined rejects; anything thrown is a temporary failure. `context` has `log`, `trace` and
 * `passwords.verify(hash, password)`. Without the file the module rejects everybody, as Courier's does.
 */
import { statSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { AuthError } from '../auth-error.ts';
import type { AuthModule, ModuleContext } from './module.ts';

type CustomModule = Partial<AuthModule> & Pick<AuthModule, 'login' | 'lookup'>;

/**
 * @param path  `<config dir>/authcustom.js`
 * @throws {AuthError} temporary: others than its owner may change the file, or it exports no `createModule`
 */
export async function createCustomModule(path: string, context: ModuleContext): Promise<AuthModule> {
  const stats = statSync(path, { throwIfNoEntry: false });
  const custom = stats ? await load(path, stats.mode, stats.mtimeMs, context) : undefined;
  return {
    cram: async () => undefined,
    login: async () => undefined,
    lookup: async () => undefined,
    close: async () => {},
    ...custom,
    name: 'authcustom',
  };
}

async function load(
  path: string,
  mode: number,
  mtimeMs: number,
  context: ModuleContext,
): Promise<CustomModule> {
  if ((mode & 0o022) !== 0) throw new AuthError('temporary', `${path}: others may write to it`);
  // The time in the address makes a reload read the file again.
  const loaded: unknown = await import(`${pathToFileURL(path).href}?${mtimeMs}`);
  const { createModule } = loaded as {
    createModule?: (context: ModuleContext) => CustomModule | Promise<CustomModule>;
  };
  if (typeof createModule !== 'function') throw new AuthError('temporary', `${path} exports no createModule`);
  return createModule(context);
}
