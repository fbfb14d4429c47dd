import { findConfigDirectory, loadConfig } from '../config/load.ts';
import { resolveSettings } from '../config/resolve.ts';
import type { CommandContext } from './command.ts';

/** TRASHQUOTA, for the tools that count as the server does; a configuration that cannot be read does not set it. */
export function countsTrash(environment: CommandContext['environment']): boolean {
  try {
    const { imap, imaps, server, directory } = loadConfig(findConfigDirectory(undefined, environment));
    const settings =
      (imap ?? imaps)?.settings ?? resolveSettings('imap', server.variables, directory).settings;
    return settings.trashQuota;
  } catch {
    return false; // deliveries must not depend on who may read the configuration
  }
}
