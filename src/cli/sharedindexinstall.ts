import { findConfigDirectory } from '../config/load.ts';
import { sharedindexinstall } from '../tools/sharedindexinstall.ts';
import type { CommandContext } from './command.ts';

export function run({ environment, stdout, stderr }: CommandContext): number {
  return sharedindexinstall(findConfigDirectory(undefined, environment), { stdout, stderr });
}
