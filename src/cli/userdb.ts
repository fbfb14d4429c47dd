import { userdb } from '../tools/userdb.ts';
import { authPlaces } from './auth-places.ts';
import type { CommandContext } from './command.ts';
import { standardInput } from './password-input.ts';

export function run(context: CommandContext): Promise<number> {
  return userdb(context.args, authPlaces(context).userdb, standardInput(), context);
}
