/** `postrider serve [--config DIR] [--foreground] [--service NAME]`: the whole server, or one service of it. */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import {
  type Config,
  findConfigDirectory,
  loadConfig,
  type ServiceName,
  serviceNames,
} from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import { ServiceManager } from '../supervisor/service-manager.ts';
import type { ServerSettings } from '../supervisor/settings.ts';
import { Supervisor } from '../supervisor/supervisor.ts';
import { accessFilesStamp, checkAccessFiles } from './access-file.ts';
import { type CommandContext, usageExit } from './command.ts';
import { openLog } from './open-log.ts';
import { checkProxyFiles } from './proxy-settings.ts';
import { serverSettings } from './server-settings.ts';

const usage = 'usage: postrider serve [--config DIR] [--foreground] [--service imap|imaps|pop3|pop3s]\n';

export async function run(context: CommandContext): Promise<number> {
  const { args, environment, stderr } = context;
  let options: { config?: string; foreground?: boolean; detached?: boolean; service?: string };
  try {
    options = parseArgs({
      args: [...args],
      options: {
        config: { type: 'string' },
        foreground: { type: 'boolean' },
        // Told by the process that has started us in the background.
        detached: { type: 'boolean' },
        service: { type: 'string' },
      },
    }).values;
  } catch (error) {
    stderr(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return usageExit;
  }
  const directory = findConfigDirectory(options.config, environment);
  const service = serviceNames.find((name) => name === options.service);
  if (options.service !== undefined && service === undefined) {
    stderr(usage);
    return usageExit;
  }
  const config = checkedConfig(directory, stderr);
  if (!config) return 1;
  if (!options.foreground) return startInBackground(config, service);
  return serveUntilStopped(config, stderr, {
    service,
    notifySocket: environment['NOTIFY_SOCKET'],
    inherited: passedDescriptors(environment),
    ...(options.detached && { usualLog: 'syslog' as const }),
  });
}

/** What systemd has bound for this process: sd_listen_fds(3). */
function passedDescriptors(environment: CommandContext['environment']): number[] {
  if (Number(environment['LISTEN_PID']) !== process.pid) return [];
  const count = Number.parseInt(environment['LISTEN_FDS'] ?? '', 10) || 0;
  return Array.from({ length: count }, (_, index) => 3 + index);
}

/** Reads a configuration and says what is wrong with it; undefined: it cannot be used. */
export function checkedConfig(directory: string, stderr: (text: string) => void): Config | undefined {
  const config = loadConfig(directory);
  const access = checkAccessFiles(config);
  for (const warning of [...config.warnings, ...access.warnings])
    stderr(`warning: ${formatProblem(warning)}\n`);
  const errors = [...config.errors, ...access.errors, ...checkProxyFiles(config)];
  for (const error of errors) stderr(`${formatProblem(error)}\n`);
  return errors.length === 0 ? config : undefined;
}

interface ServeHow {
  /** The only service to serve; the authentication daemon is somebody else's then, as with Courier's scripts. */
  readonly service?: ServiceName | undefined;
  /** $NOTIFY_SOCKET: where systemd wants to be told. */
  readonly notifySocket?: string | undefined;
  /** Descriptors of sockets that listen already. */
  readonly inherited?: readonly number[];
  /** Where lines go if LOG does not say; default: standard error. */
  readonly usualLog?: 'syslog';
  /** Called when connections are accepted. */
  readonly ready?: () => void;
}

const accessCheckMs = 1_000;
const mainModule = resolve(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'main.ts' : 'main.js');

/** Runs the server until a signal ends it. */
export async function serveUntilStopped(
  config: Config,
  stderr: (text: string) => void,
  how: ServeHow = {},
): Promise<number> {
  const { directory } = config;
  const authCommand = [process.execPath, mainModule, 'authdaemond', '--config', directory, '--supervised'];
  const options = { authCommand, only: how.service, usualLog: how.usualLog };
  const settings = serverSettings(config, options);
  const { log, output } = openLog(settings, 'postrider', facilitiesOf(settings));
  process.umask(settings.services[0]?.mail.umask ?? 0o022);
  const supervisor = new Supervisor(settings, log, output, how.inherited);
  const manager = new ServiceManager(how.notifySocket);
  const stopped = new Promise<void>((resolve, reject) => {
    const stop = () => {
      manager.stopping();
      supervisor.stop().then(resolve, reject);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
  let current = config;
  const reload = (next: Config | undefined) => {
    manager.reloading();
    try {
      if (next) supervisor.reload(serverSettings(next, options));
      else log.error('the old settings stay in force');
      current = next ?? current;
    } catch (error) {
      log.error(`${error instanceof Error ? error.message : String(error)}; the old settings stay in force`);
    }
    manager.ready();
  };
  process.on('SIGHUP', () => {
    const next = checkedConfig(config.directory, (text) => log.error(text.trimEnd()));
    reload(next);
    if (next) supervisor.reloadAuth();
  });
  const watching = watchAccessFiles(() => current, reload);
  try {
    await Promise.race([supervisor.start(), stopped]);
  } catch (error) {
    stderr(`postrider: ${error instanceof Error ? error.message : String(error)}\n`);
    clearInterval(watching);
    await supervisor.stop();
    return 1;
  }
  process.send?.('ready');
  manager.ready();
  how.ready?.();
  await stopped;
  clearInterval(watching);
  return 0;
}

/** The syslog facilities of services and daemons, by their names in the log. */
function facilitiesOf({ services, authLog }: ServerSettings): Map<string, string> {
  const named = services.map(({ logName, logFacility }) => [logName, logFacility] as const);
  return new Map([...named, [authLog.name, authLog.facility]]);
}

/** Access files take effect when they are written, as Courier's do; the other settings wait for SIGHUP. */
function watchAccessFiles(config: () => Config, changed: (config: Config) => void): NodeJS.Timeout {
  let stamp = accessFilesStamp(config());
  return setInterval(() => {
    const now = accessFilesStamp(config());
    if (now === stamp) return;
    stamp = now;
    if (checkAccessFiles(config()).errors.length === 0) changed(config());
  }, accessCheckMs).unref();
}

/**
 * Starts the server in a session of its own and waits until it serves, or has told why it cannot. It keeps nothing
 * of ours open, so that whoever has started us need not wait for it, unless its log is to go to our standard error.
 * @returns the exit code
 */
export function startInBackground(config: Config, service?: ServiceName): Promise<number> {
  const only = service === undefined ? [] : ['--service', service];
  const how = ['--foreground', '--detached', '--config', resolve(config.directory), ...only];
  const stdio = config.server.settings.log === 'stderr' ? 'inherit' : 'pipe';
  const child = spawn(process.execPath, [mainModule, 'serve', ...how], {
    detached: true,
    stdio: ['ignore', stdio, stdio, 'ipc'],
  });
  child.stdout?.pipe(process.stdout);
  child.stderr?.pipe(process.stderr);
  return new Promise((resolve) => {
    child.once('close', (code) => resolve(code ?? 1));
    child.once('message', () => {
      child.disconnect();
      child.stdout?.destroy();
      child.stderr?.destroy();
      child.unref();
      resolve(0);
    });
  });
}
