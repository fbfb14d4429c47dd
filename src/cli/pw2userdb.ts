import { pw2userdb } from '../tools/pw2userdb.ts';
import type { CommandContext } from './command.ts';

export function run(context: CommandContext): Promise<number> {
  return pw2userdb(context.args, context);
}
