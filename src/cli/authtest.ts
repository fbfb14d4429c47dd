import { authtest } from '../tools/authtest.ts';
import { authPlaces } from './auth-places.ts';
import type { CommandContext } from './command.ts';

export function run(context: CommandContext): Promise<number> {
  const { socketPath } = authPlaces(context);
  return authtest(context.args, { socketPath, remoteIp: context.environment['TCPREMOTEIP'] }, context);
}
