/** `postrider config check|show|upgrade`: look at the configuration without starting anything. */
import { findConfigDirectory, loadConfig, type ServiceName, serviceNames } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import { showConfig } from '../config/show.ts';
import { type CommandContext, usageExit } from './command.ts';

const usage = `usage: postrider config check [--config DIR]
       postrider config show [--config DIR] [--service imap|imaps|pop3|pop3s|auth|server]
`;

export function run({ args, environment, stdout, stderr }: CommandContext): number {
  const options = readOptions(args);
  if (options === undefined) {
    stderr(usage);
    return usageExit;
  }
  const config = loadConfig(findConfigDirectory(options.directory, environment));
  for (const error of config.errors) stderr(`${formatProblem(error)}\n`);
  for (const warning of config.warnings) stderr(`warning: ${formatProblem(warning)}\n`);
  const failed = config.errors.length > 0 ? 1 : 0;
  if (options.action === 'show') stdout(showConfig(config, options.service));
  else if (failed === 0) {
    const configured = serviceNames.filter((name) => config[name] !== undefined);
    stdout(`${config.directory}: ${configured.join(', ')}: no errors\n`);
  }
  return failed;
}

interface Options {
  action: 'check' | 'show';
  directory?: string;
  service?: ServiceName | 'auth' | 'server';
}

const scopes = [...serviceNames, 'auth', 'server'] as const;

function readOptions([action, ...rest]: readonly string[]): Options | undefined {
  if (action !== 'check' && action !== 'show') return undefined;
  const options: Options = { action };
  for (let i = 0; i < rest.length; i++) {
    const [option, inline] = splitOption(rest[i]!);
    const value = inline ?? rest[++i];
    if (value === undefined) return undefined;
    const scope = scopes.find((name) => name === value);
    if (option === '--config') options.directory = value;
    else if (option === '--service' && action === 'show' && scope !== undefined) options.service = scope;
    else return undefined;
  }
  return options;
}

/** `--config=DIR` and `--config DIR` are the same. */
function splitOption(word: string): [string, string | undefined] {
  const equals = word.indexOf('=');
  return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
}
