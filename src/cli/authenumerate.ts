import { authenumerate } from '../tools/authenumerate.ts';
import { authPlaces } from './auth-places.ts';
import type { CommandContext } from './command.ts';

export function run(context: CommandContext): Promise<number> {
  return authenumerate(context.args, authPlaces(context).socketPath, context);
}
