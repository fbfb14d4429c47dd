import { findConfigDirectory, loadConfig } from '../config/load.ts';
import { resolveSettings } from '../config/resolve.ts';
import type { QuotaRules } from '../store/settings.ts';
import type { CommandContext } from './command.ts';
import { quotaRules } from './session-settings.ts';

/** For the tools that count as the server does; a configuration that cannot be read sets nothing. */
export function configuredQuotaRules(environment: CommandContext['environment']): QuotaRules {
  try {
    const { imap, imaps, server, directory } = loadConfig(findConfigDirectory(undefined, environment));
    return quotaRules(
      (imap ?? imaps)?.settings ?? resolveSettings('imap', server.variables, directory).settings,
    );
  } catch {
    return {}; // deliveries must not depend on who may read the configuration
  }
}
