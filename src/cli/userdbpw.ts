import { userdbpw } from '../tools/userdbpw.ts';
import type { CommandContext } from './command.ts';
import { standardInput } from './password-input.ts';

export function run({ args, stdout, stderr }: CommandContext): Promise<number> {
  return userdbpw(args, standardInput(), { stdout, stderr });
}
