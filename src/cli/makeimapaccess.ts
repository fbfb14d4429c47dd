/**
 * `makeimapaccess`: checks the access files and has the running services read them (frontend-tls-ops §2.4). There is
 * nothing to compile: the text is what counts.
 */
import { findConfigDirectory, loadConfig, serviceNames } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import { runningProcess } from '../supervisor/pid-file.ts';
import { checkAccessFiles } from './access-file.ts';
import { type CommandContext, usageExit } from './command.ts';

export function run({ args, environment, stderr }: CommandContext): number {
  if (args.length > 0) {
    stderr('usage: makeimapaccess\n');
    return usageExit;
  }
  const config = loadConfig(findConfigDirectory(undefined, environment));
  const { errors, warnings } = checkAccessFiles(config);
  for (const warning of warnings) stderr(`warning: ${formatProblem(warning)}\n`);
  for (const error of errors) stderr(`${formatProblem(error)}\n`);
  if (errors.length > 0) return 1;
  const running = serviceNames.map((name) => {
    const pidFile = config[name]?.settings.pidFile;
    return pidFile === undefined ? undefined : runningProcess(pidFile);
  });
  for (const pid of new Set(running)) if (pid !== undefined) process.kill(pid, 'SIGHUP');
  return 0;
}
