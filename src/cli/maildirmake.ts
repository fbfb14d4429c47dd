import { maildirmake } from '../tools/maildirmake.ts';
import type { CommandContext } from './command.ts';
import { countsTrash } from './counts-trash.ts';

export function run({ args, environment, stdout, stderr }: CommandContext): Promise<number> {
  const countTrash = args.some((word) => word.startsWith('-q')) && countsTrash(environment);
  return maildirmake(args, { stdout, stderr }, countTrash);
}
