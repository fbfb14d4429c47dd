/** The only list of modules; a back end's library is loaded when its module is used. */
import type { AuthModule, ModuleContext } from './module.ts';

/** What modules are told of the machine and the configuration. */
export interface ModulePlaces {
  /** Courier's configuration directory: `userdb`, `authmysqlrc`, … */
  readonly configDirectory: string;
  /** The userdb file or directory. */
  readonly userdb: string;
}

type Make = (places: ModulePlaces, context: ModuleContext) => Promise<AuthModule>;

const registry: Readonly<Record<string, Make>> = {
  async authuserdb({ userdb }, context) {
    const { createUserdbModule } = await import('./userdb.ts');
    return createUserdbModule({ path: userdb }, context);
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
    modules.push(await make(places, context));
    context.log.info(`Installation complete: ${name}`);
  }
  return modules;
}
