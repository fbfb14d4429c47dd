/** `postrider serve [--config DIR] [--foreground]`: the whole server. */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Config, findConfigDirectory, loadConfig } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import { processLog } from '../supervisor/process-log.ts';
import { Supervisor } from '../supervisor/supervisor.ts';
import { checkAccessFiles } from './access-file.ts';
import { type CommandContext, usageExit } from './command.ts';
import { serverSettings } from './server-settings.ts';

const usage = 'usage: postrider serve [--config DIR] [--foreground]\n';

export async function run(context: CommandContext): Promise<number> {
  const { args, environment, stderr } = context;
  let options: { config?: string; foreground?: boolean };
  try {
    options = parseArgs({
      args: [...args],
      options: { config: { type: 'string' }, foreground: { type: 'boolean' } },
    }).values;
  } catch (error) {
    stderr(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return usageExit;
  }
  const directory = findConfigDirectory(options.config, environment);
  const config = checkedConfig(directory, stderr);
  if (!config) return 1;
  if (!options.foreground)
    return startInBackground(['serve', '--foreground', '--config', resolve(directory)]);
  return serveUntilStopped(config, stderr);
}

/** Reads a configuration and says what is wrong with it; undefined: it cannot be used. */
export function checkedConfig(directory: string, stderr: (text: string) => void): Config | undefined {
  const config = loadConfig(directory);
  const access = checkAccessFiles(config);
  for (const warning of [...config.warnings, ...access.warnings])
    stderr(`warning: ${formatProblem(warning)}\n`);
  const errors = [...config.errors, ...access.errors];
  for (const error of errors) stderr(`${formatProblem(error)}\n`);
  return errors.length === 0 ? config : undefined;
}

/**
 * Runs the server until a signal ends it.
 * @param ready  called when connections are accepted
 */
export async function serveUntilStopped(
  config: Config,
  stderr: (text: string) => void,
  ready: () => void = () => {},
): Promise<number> {
  const log = processLog();
  const main = resolve(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'main.ts' : 'main.js');
  const authCommand = [process.execPath, main, 'authdaemond', '--config', config.directory];
  const settings = serverSettings(config, { authCommand });
  process.umask(settings.services[0]?.mail.umask ?? 0o022);
  const supervisor = new Supervisor(settings, log);
  const stopped = new Promise<void>((resolve, reject) => {
    const stop = () => void supervisor.stop().then(resolve, reject);
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
  process.on('SIGHUP', () => {
    const next = checkedConfig(config.directory, (text) => log.error(text.trimEnd()));
    try {
      if (next) supervisor.reload(serverSettings(next, { authCommand }));
      else log.error('the old settings stay in force');
    } catch (error) {
      log.error(`${error instanceof Error ? error.message : String(error)}; the old settings stay in force`);
    }
  });
  try {
    await Promise.race([supervisor.start(), stopped]);
  } catch (error) {
    stderr(`postrider: ${error instanceof Error ? error.message : String(error)}\n`);
    await supervisor.stop();
    return 1;
  }
  process.send?.('ready');
  ready();
  await stopped;
  return 0;
}

/** Starts the server in a session of its own and waits until it serves, or has told why it cannot. */
function startInBackground(args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [process.argv[1]!, ...args], {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  return new Promise((resolve) => {
    child.once('exit', (code) => resolve(code ?? 1));
    child.once('message', () => {
      child.disconnect();
      child.unref();
      resolve(0);
    });
  });
}
