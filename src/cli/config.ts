/** `postrider config check|show|upgrade`: look at the configuration without starting anything. */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { findConfigDirectory, loadConfig, serviceNames } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import type { Scope } from '../config/settings.ts';
import { showConfig } from '../config/show.ts';
import { upgradeFiles } from '../config/upgrade-files.ts';
import { checkAccessFiles } from './access-file.ts';
import { type CommandContext, usageExit } from './command.ts';
import { checkProxyFiles } from './proxy-settings.ts';

const usage = `usage: postrider config check [--config DIR]
       postrider config show [--config DIR] [--service imap|imaps|pop3|pop3s|auth|server]
       postrider config upgrade [--config DIR] [-n] [-f] [FILE]...
`;

export function run({ args, environment, stdout, stderr }: CommandContext): number {
  const options = readOptions(args);
  if (options === undefined) {
    stderr(usage);
    return usageExit;
  }
  const directory = findConfigDirectory(options.config, environment);
  if (options.action === 'upgrade') {
    const { files, dryRun, force } = options;
    return upgradeFiles({ directory, files, dryRun, force }, (line) => stdout(`${line}\n`));
  }
  const config = loadConfig(directory);
  const access = checkAccessFiles(config);
  const errors = [...config.errors, ...access.errors, ...checkProxyFiles(config)];
  for (const error of errors) stderr(`${formatProblem(error)}\n`);
  for (const warning of [...config.warnings, ...access.warnings])
    stderr(`warning: ${formatProblem(warning)}\n`);
  const failed = errors.length > 0 ? 1 : 0;
  if (options.action === 'show') stdout(showConfig(config, options.service));
  else if (failed === 0) {
    const configured = serviceNames.filter((name) => config[name] !== undefined);
    stdout(`${directory}: ${configured.join(', ')}: no errors\n`);
  }
  return failed;
}

interface Options {
  readonly action: 'check' | 'show' | 'upgrade';
  readonly config?: string | undefined;
  readonly service?: Scope | undefined;
  readonly dryRun: boolean;
  readonly force: boolean;
  readonly files: readonly string[];
}

const optionsOf = {
  check: { config: { type: 'string' } },
  show: { config: { type: 'string' }, service: { type: 'string' } },
  upgrade: {
    config: { type: 'string' },
    'dry-run': { type: 'boolean', short: 'n' },
    force: { type: 'boolean', short: 'f' },
  },
} as const;

/** undefined: the command line is wrong. */
function readOptions([action, ...args]: readonly string[]): Options | undefined {
  if (action !== 'check' && action !== 'show' && action !== 'upgrade') return undefined;
  const parsed = parseWords(args, optionsOf[action], action === 'upgrade');
  if (parsed === undefined) return undefined;
  const { values, positionals } = parsed;
  const service = scopes.find((scope) => scope === values['service']);
  if (values['service'] !== undefined && service === undefined) return undefined;
  return {
    action,
    config: typeof values['config'] === 'string' ? values['config'] : undefined,
    service,
    dryRun: values['dry-run'] === true,
    force: values['force'] === true,
    files: positionals,
  };
}

const scopes: readonly Scope[] = [...serviceNames, 'auth', 'server'];

function parseWords(args: string[], options: ParseArgsOptionsConfig, allowPositionals: boolean) {
  try {
    return parseArgs({ args, options, allowPositionals });
  } catch {
    return undefined;
  }
}
