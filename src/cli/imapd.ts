/**
 * `postrider imapd [MAILDIR]`: IMAP on standard input and output for a user who is known already, as Courier's
 * `imapd` (imap-server §4, §5): for tunnel commands of mail clients, and behind a login program.
 */
import { readFileSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { type AccountRecord, parseOptions } from '../auth/account-record.ts';
import { formatProblem } from '../config/problem.ts';
import { environmentVariables, resolveSettings } from '../config/resolve.ts';
import type { ImapSettings } from '../config/settings.ts';
import { type ImapSessionHandle, startAuthenticatedImap } from '../imap/session.ts';
import type { ImapSessionSettings } from '../imap/settings.ts';
import { StreamConnection } from '../net/stream-connection.ts';
import { SmapSession } from '../smap/session.ts';
import { saveFolders } from '../store/registry.ts';
import { openMailboxes } from '../supervisor/mail-services.ts';
import { processLog } from '../supervisor/process-log.ts';
import type { CommandContext } from './command.ts';
import { hookEnvironment, imapSessionSettings, mailSettings } from './session-settings.ts';

type Environment = CommandContext['environment'];

/** Why no session can begin; the client is told. */
class Refusal extends Error {}

export async function run({ args, environment, stdout, stderr }: CommandContext): Promise<number> {
  if (args[0] === '--version') {
    const file = resolve(import.meta.dirname, '../../package.json');
    stdout(`postrider ${(JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version}\n`);
    return 0;
  }
  const { settings, errors } = resolveSettings('imap', environmentVariables(environment), '/etc/courier');
  for (const error of errors) stderr(`ERR: ${formatProblem(error)}\n`);
  try {
    const account = enterMaildir(args[0], environment, settings);
    await serve(account, environment, settings);
    return 0;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    stdout(`* BYE ${error.message}\r\n`);
    return 1;
  }
}

/** Checks what Courier checks, and goes to the maildir. @throws {Refusal} */
function enterMaildir(
  argument: string | undefined,
  environment: Environment,
  settings: ImapSettings,
): AccountRecord {
  const tag = environment['IMAPLOGINTAG'];
  const address = environment['AUTHENTICATED'] ?? (tag === undefined ? ownName() : undefined);
  if (address === undefined) throw new Refusal('AUTHENTICATED environment variable not set.');
  if (isSticky('.')) {
    throw new Refusal('Your account is temporarily unavailable (+t bit set on home directory).');
  }
  const home = process.cwd();
  try {
    process.chdir(argument ?? environment['MAILDIR'] ?? 'Maildir');
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const reason = reasons[code] ?? message;
    throw new Refusal(`[ALERT] Fatal error: ${reason}: ${reason}`);
  }
  const { uid, gid } = statSync('.');
  if (settings.sanityCheck && (uid !== process.geteuid!() || gid !== process.getegid!())) {
    throw new Refusal(
      "[ALERT] Fatal error: Account's mailbox directory is not owned by the correct uid or gid: ",
    );
  }
  const octets = (path: string) => Buffer.from(path).toString('latin1');
  return {
    address,
    uid,
    gid,
    home: octets(home),
    maildir: octets(process.cwd()),
    options: parseOptions(environment['OPTIONS'] ?? ''),
  };
}

/** The name of the user this runs as; its number where the system has no name for it (containers). */
function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.geteuid!());
  }
}

/** The C library's words, which Courier shows. */
const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  EACCES: 'Permission denied',
  ENOTDIR: 'Not a directory',
};

function isSticky(directory: string): boolean {
  const stat = statSync(directory, { throwIfNoEntry: false });
  return stat === undefined || (stat.mode & 0o1000) !== 0;
}

/** The envelope sender of the Outbox is what the login program says, or nobody (imap-server §14). */
function withSender(settings: ImapSessionSettings, environment: Environment): ImapSessionSettings {
  const sender = environment['AUTHADDR'] || environment['AUTHENTICATED'] || '';
  return { ...settings, submission: { ...settings.submission, sender } };
}

/** Resolves when the session is over. */
function serve(account: AccountRecord, environment: Environment, settings: ImapSettings): Promise<void> {
  process.umask(settings.umask);
  const log = processLog();
  const mail = mailSettings(settings, hookEnvironment(environment));
  const byHand = environment['IMAPLOGINTAG'] === undefined;
  const connection = new StreamConnection(process.stdin, process.stdout, undefined, {
    remoteAddress: byHand ? '127.0.0.1' : (environment['TCPREMOTEIP'] ?? '127.0.0.1'),
    remotePort: byHand ? 0 : Number(environment['TCPREMOTEPORT']) || 0,
    localAddress: '',
    localPort: Number(environment['TCPLOCALPORT']) || 143,
    secure: Number(environment['IMAP_TLS']) > 0,
  });
  const ended = new Promise<void>((resolve) => {
    const services = {
      settings: withSender(imapSessionSettings(settings, hookEnvironment(environment)), environment),
      log,
      openMailboxes: (owner: AccountRecord) => openMailboxes(owner, connection, mail, log, {}),
    };
    const tag = environment['IMAPLOGINTAG'];
    process.stdout.once('close', resolve);
    const leftover = Buffer.alloc(0);
    // The variable by which Courier's login program says so (smap §10).
    const session: ImapSessionHandle =
      environment['PROTOCOL'] === 'SMAP1'
        ? new SmapSession(connection, { ...services, capabilityText: () => '' }, leftover, account)
        : startAuthenticatedImap(connection, account, services, { leftover, tag });
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) process.on(signal, () => session.stop());
  });
  return ended.then(saveFolders);
}
