import { maildiracl } from '../tools/maildiracl.ts';
import type { CommandContext } from './command.ts';

export function run({ args, stdout, stderr }: CommandContext): Promise<number> {
  return maildiracl(args, { stdout, stderr });
}
