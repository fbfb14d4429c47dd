import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { findConfigDirectory, loadConfig } from '../config/load.ts';
import { findUser, firstUser } from '../supervisor/privileges.ts';
import { authinfo } from '../tools/authinfo.ts';
import type { CommandContext } from './command.ts';

/** `authinfo` and `courierauthconfig`. */
export async function run(context: CommandContext): Promise<number> {
  const configDirectory = resolve(findConfigDirectory(undefined, context.environment));
  const { auth, server } = loadConfig(configDirectory);
  const { workerUser } = server.settings;
  const user = (workerUser ? findUser(workerUser) : undefined) ?? firstUser(['courier', 'daemon', 'nobody']);
  if (!user) {
    context.stderr('Cannot obtain information for the mail user\n');
    return 1;
  }
  const facts = {
    userdb: auth.settings.userdb,
    configDirectory,
    mailUser: { ...user, group: groupName(user.gid) },
    sbinDirectory: resolve(import.meta.dirname, '../../bin'),
  };
  return authinfo(context.args, facts, context);
}

function groupName(gid: number): string {
  const lines = readFileSync('/etc/group', 'utf8').split('\n');
  return lines.find((line) => line.split(':')[2] === String(gid))?.split(':', 1)[0] ?? String(gid);
}
