import { fstatSync } from 'node:fs';
import { join } from 'node:path';
import { findConfigDirectory } from '../config/load.ts';
import { deliverquota } from '../tools/deliverquota.ts';
import type { CommandContext } from './command.ts';
import { configuredQuotaRules } from './quota-rules.ts';

export function run({ args, environment, stdout, stderr }: CommandContext): Promise<number> {
  const file = fstatSync(0);
  const input = {
    chunks: process.stdin as AsyncIterable<Buffer>,
    fileOctets: file.isFile() && file.size > 0 ? file.size : undefined,
    warningFile: join(findConfigDirectory(undefined, environment), 'quotawarnmsg'),
    quotaRules: configuredQuotaRules(environment),
  };
  return deliverquota(args, input, { stdout, stderr });
}
