import { vchkpw2userdb } from '../tools/vchkpw2userdb.ts';
import type { CommandContext } from './command.ts';

export function run(context: CommandContext): Promise<number> {
  return vchkpw2userdb(context.args, context);
}
