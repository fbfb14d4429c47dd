import { authpasswd } from '../tools/authpasswd.ts';
import type { CommandContext } from './command.ts';
import { standardInput } from './password-input.ts';

export function run({ args, stdout, stderr }: CommandContext): Promise<number> {
  return authpasswd(args, standardInput(), { stdout, stderr });
}
