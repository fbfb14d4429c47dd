/** The only list of modules; a back end's library is loaded when its module is used. */
import { join } from 'node:path';
import { AuthError, errorText } from '../auth-error.ts';
import type { AuthModule, ModuleContext } from './module.ts';

/** What modules are told of the machine and the configuration. */
export interface ModulePlaces {
  /** Courier's configuration directory: `userdb`, `authmysqlrc`, … */
  readonly configDirectory: string;
  /** The userdb file or directory. */
  readonly userdb: string;
  /** Slow requests at once (`daemons`), for back ends that need a thread or a program each. */
  readonly concurrency: number;
  /** LDAPTLS_CACERT and so on, without `LDAP`. */
  readonly ldapEnvironment: ReadonlyMap<string, string>;
}

type Make = (places: ModulePlaces, context: ModuleContext) => Promise<AuthModule>;

const registry: Readonly<Record<string, Make>> = {
  async authuserdb({ userdb }, context) {
    const { createUserdbModule } = await import('./userdb.ts');
    return createUserdbModule({ path: userdb }, context);
  },
  async authpam({ concurrency }, context) {
    const { createPamModule } = await import('./pam.ts');
    return createPamModule({ concurrency }, context);
  },
  async authpwd(_, context) {
    const { createPwdModule } = await import('./passwd.ts');
    return createPwdModule(context);
  },
  async authshadow(_, context) {
    const { createShadowModule } = await import('./passwd.ts');
    return createShadowModule(context);
  },
  async authmysql({ configDirectory }, context) {
    const { createMysqlModule } = await import('./mysql.ts');
    return createMysqlModule(join(configDirectory, 'authmysqlrc'), context);
  },
  async authpgsql({ configDirectory }, context) {
    const { createPgsqlModule } = await import('./pgsql.ts');
    return createPgsqlModule(join(configDirectory, 'authpgsqlrc'), context);
  },
  async authsqlite({ configDirectory }, context) {
    const { createSqliteModule } = await import('./sqlite.ts');
    return createSqliteModule(join(configDirectory, 'authsqliterc'), context);
  },
  async authldap({ configDirectory, ldapEnvironment }, context) {
    const { createLdapModule } = await import('./ldap.ts');
    return createLdapModule(join(configDirectory, 'authldaprc'), ldapEnvironment, context);
  },
  async authpipe({ configDirectory, concurrency }, context) {
    const { createPipeModule } = await import('./pipe.ts');
    return createPipeModule({ program: join(configDirectory, 'authProg'), concurrency }, context);
  },
  async authcustom({ configDirectory }, context) {
    const { createCustomModule } = await import('./custom.ts');
    return createCustomModule(join(configDirectory, 'authcustom.js'), context);
  },
};

/** Makes the modules of `authmodulelist`; one that does not exist is said in the log and left out. */
export async function createModules(
  names: readonly string[],
  places: ModulePlaces,
  context: ModuleContext,
): Promise<AuthModule[]> {
  const modules: AuthModule[] = [];
  for (const name of names) {
    const make = Object.hasOwn(registry, name) ? registry[name] : undefined;
    context.log.info(`Installing ${name}`);
    if (!make) {
      context.log.info('file not found');
      continue;
    }
    try {
      modules.push(await make(places, context));
      context.log.info(`Installation complete: ${name}`);
    } catch (error) {
      context.log.error(`${name}: ${errorText(error)}`);
      modules.push(brokenModule(name, error));
    }
  }
  return modules;
}

/** A module that could not be made: its requests fail temporarily, so that nobody falls through to a later one. */
function brokenModule(name: string, cause: unknown): AuthModule {
  const refuse = () =>
    Promise.reject(new AuthError('temporary', `${name} could not be installed`, { cause }));
  return { name, login: refuse, cram: refuse, lookup: refuse, close: async () => {} };
}
