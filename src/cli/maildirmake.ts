import { maildirmake } from '../tools/maildirmake.ts';
import type { CommandContext } from './command.ts';
import { configuredQuotaRules } from './quota-rules.ts';

export function run({ args, environment, stdout, stderr }: CommandContext): Promise<number> {
  const rules = args.some((word) => word.startsWith('-q')) ? configuredQuotaRules(environment) : {};
  return maildirmake(args, { stdout, stderr }, rules);
}
