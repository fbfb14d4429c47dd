import { readFileSync } from 'node:fs';
import { sharedindexsplit } from '../tools/sharedindexsplit.ts';
import type { CommandContext } from './command.ts';

export function run({ args, stdout, stderr }: CommandContext): number {
  return sharedindexsplit(args, () => readFileSync(0), { stdout, stderr });
}
