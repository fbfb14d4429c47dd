import { makeuserdb } from '../tools/makeuserdb.ts';
import { authPlaces } from './auth-places.ts';
import type { CommandContext } from './command.ts';

export function run(context: CommandContext): Promise<number> {
  return makeuserdb(context.args, authPlaces(context).userdb, context);
}
