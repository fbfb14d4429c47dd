import { maildirkw } from '../tools/maildirkw.ts';
import type { CommandContext } from './command.ts';

export function run({ args, stdout, stderr }: CommandContext): Promise<number> {
  return maildirkw(args, { stdout, stderr });
}
