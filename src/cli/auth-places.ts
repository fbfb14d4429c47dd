import { join } from 'node:path';
import { findConfigDirectory, loadConfig } from '../config/load.ts';
import type { CommandContext } from './command.ts';

/** What the authentication tools need to know of the configuration: where the daemon and the accounts are. */
export function authPlaces({ environment }: CommandContext): { socketPath: string; userdb: string } {
  const { settings } = loadConfig(findConfigDirectory(undefined, environment)).auth;
  return { socketPath: join(settings.socketDirectory, 'socket'), userdb: settings.userdb };
}
