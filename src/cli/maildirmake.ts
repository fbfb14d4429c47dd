import { maildirmake } from '../tools/maildirmake.ts';
import type { CommandContext } from './command.ts';

export function run({ args, stdout, stderr }: CommandContext): Promise<number> {
  return maildirmake(args, { stdout, stderr });
}
