/**
 * `postrider pop3d [MAILDIR]`: POP3 on standard input and output for a user who is known already, as Courier's
 * `pop3d` (pop3-proxy-options §1): for tunnel commands of mail clients, and behind a login program.
 */
import { statSync } from 'node:fs';
import { type AccountRecord, parseOptions } from '../auth/account-record.ts';
import { formatProblem } from '../config/problem.ts';
import { environmentVariables, resolveSettings } from '../config/resolve.ts';
import { StreamConnection } from '../net/stream-connection.ts';
import { startAuthenticatedPop3 } from '../pop3/session.ts';
import { openMailboxes } from '../supervisor/mail-services.ts';
import { processLog } from '../supervisor/process-log.ts';
import type { CommandContext } from './command.ts';
import { hookEnvironment, pop3MailSettings, pop3SessionSettings } from './session-settings.ts';

type Environment = CommandContext['environment'];

export async function run({ args, environment, stdout, stderr }: CommandContext): Promise<number> {
  const address = environment['AUTHADDR'] || environment['AUTHENTICATED'] || 'nobody';
  const home = Buffer.from(process.cwd()).toString('latin1');
  const maildir = args[0] ?? environment['MAILDIR'] ?? 'Maildir';
  try {
    process.chdir(maildir);
  } catch (error) {
    stderr(`INFO: chdir ${maildir}: ${(error as Error).message}\n`);
    stdout('-ERR [SYS/PERM] The mailbox cannot be opened.\r\n');
    return 1;
  }
  const { uid, gid } = statSync('.');
  const account = {
    address,
    uid,
    gid,
    home,
    maildir: Buffer.from(process.cwd()).toString('latin1'),
    options: parseOptions(environment['OPTIONS'] ?? ''),
  };
  return serve(account, openConnection(environment), environment, stderr);
}

function openConnection(environment: Environment): StreamConnection {
  return new StreamConnection(process.stdin, process.stdout, undefined, {
    remoteAddress: environment['TCPREMOTEIP'] || '127.0.0.1',
    remotePort: Number(environment['TCPREMOTEPORT']) || 0,
    localAddress: environment['TCPLOCALIP'] ?? '',
    localPort: Number(environment['TCPLOCALPORT']) || 110,
    secure: Number(environment['POP3_TLS']) > 0,
  });
}

/** @returns the exit code when the session is over: 1 if the account's options refused it */
function serve(
  account: AccountRecord,
  connection: StreamConnection,
  environment: Environment,
  stderr: CommandContext['stderr'],
): Promise<number> {
  const variables = environmentVariables(environment);
  const pop3 = resolveSettings('pop3', variables, '/etc/courier');
  const imap = resolveSettings('imap', variables, '/etc/courier');
  for (const error of pop3.errors) stderr(`ERR: ${formatProblem(error)}\n`);
  process.umask(imap.settings.umask);
  const log = processLog();
  const mail = pop3MailSettings(imap.settings, pop3.settings.maildirPath, hookEnvironment(environment));
  let served = false;
  return new Promise((resolve) => {
    process.stdout.once('close', () => resolve(served ? 0 : 1));
    // Without the variable UTF-8 is assumed to be understood (pop3-proxy-options §2.8).
    const utf8 = environment['UTF8'] === undefined || Number(environment['UTF8']) !== 0;
    const services = {
      settings: pop3SessionSettings(pop3.settings),
      log,
      openMailboxes: () => openMailboxes(account, connection, mail, log, { UTF8: utf8 ? '1' : '0' }),
      sessionEnded: () => {
        served = true;
      },
    };
    const session = startAuthenticatedPop3(connection, account, services, {
      leftover: Buffer.alloc(0),
      utf8,
    });
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) process.on(signal, () => session.stop());
  });
}
