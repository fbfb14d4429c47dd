/** `postrider authdaemond [--config DIR] [start|stop|restart]`: the authentication daemon; without a verb in the foreground. */
import { chownSync, existsSync, mkdirSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { errorText } from '../auth/auth-error.ts';
import { type Chain, createChain, type TokenChecker } from '../auth/chain.ts';
import { type AnswerSettings, startAuthDaemon } from '../auth/daemon.ts';
import { createGuessGuard, type GuessGuard, type GuessSettings } from '../auth/guess-guard.ts';
import { createHomeMaker, type MakeHome } from '../auth/home-directory.ts';
import { createTicketIssuer, ticketKeyOctets } from '../auth/login-ticket.ts';
import { createModules } from '../auth/modules/index.ts';
import type { AuthModule } from '../auth/modules/module.ts';
import { createPasswords } from '../auth/passwords.ts';
import { findGroupId, findSystemAccount } from '../auth/system-accounts.ts';
import { createTokenChecker } from '../auth/tokens.ts';
import type { Log } from '../base/log.ts';
import { type Config, findConfigDirectory, loadConfig } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import type { AuthSettings } from '../config/settings.ts';
import { writePidFile } from '../supervisor/pid-file.ts';
import { findUser, firstUser, isRoot } from '../supervisor/privileges.ts';
import { processLog } from '../supervisor/process-log.ts';
import { control, daemonPidFile, isVerb } from './authdaemond-control.ts';
import { type CommandContext, usageExit } from './command.ts';
import { openLog } from './open-log.ts';
import { authLog } from './server-settings.ts';

const usage = 'usage: postrider authdaemond [--config DIR] [start|stop|restart]\n';

/** Threads for file reads and look-ups beside those that passwords may keep busy. */
const spareThreads = 4;

export async function run({ args, environment, stderr }: CommandContext): Promise<number> {
  let parsed: ReturnType<typeof parseArguments>;
  try {
    parsed = parseArguments(args);
  } catch (error) {
    stderr(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return usageExit;
  }
  const directory = resolve(findConfigDirectory(parsed.config, environment));
  const { verb } = parsed;
  // A wrong setting must not keep it from being stopped.
  const config = verb === 'stop' ? loadConfig(directory) : readConfig(directory, processLog());
  if (!config) return 1;
  if (verb) return control(verb, directory, config.auth.settings.socketDirectory);
  return serve(config, parsed.supervised);
}

/** `supervised`: the supervisor has started it, and wants its log lines marked or plain. */
function parseArguments(args: readonly string[]) {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { config: { type: 'string' }, supervised: { type: 'string' } },
    allowPositionals: true,
  });
  const [verb, ...more] = positionals;
  if (more.length > 0 || (verb !== undefined && !isVerb(verb)))
    throw new Error(`unknown: ${positionals.join(' ')}`);
  return { ...values, verb };
}

/** Answers requests until a signal ends it. */
async function serve(config: Config, supervised: string | undefined): Promise<number> {
  const { directory } = config;
  const { name, facility } = authLog(config.auth.settings);
  const log = supervised
    ? processLog(2, supervised === 'marked').named(name)
    : openLog(config.server.settings, name, new Map([[name, facility]])).log;
  const { settings } = config.auth;
  let hangUp = () => {};
  process.on('SIGHUP', () => hangUp());
  // Before anything uses the pool, whose size is then fixed. PAM and crypt(3) have `daemons` threads each.
  process.env['UV_THREADPOOL_SIZE'] = String(Math.min(256, 2 * settings.workers + spareThreads));
  makeDirectory(settings.socketDirectory, config);
  const guard = createGuessGuard(guessSettings(settings), log);
  let serving = await assemble(config, guard, log);
  const tickets = supervised ? createTicketIssuer(readTicketKey(), uidOf) : undefined;
  const daemon = await startAuthDaemon(
    { directory: settings.socketDirectory, tickets, ...serving.answers },
    serving.chain,
    log,
  );
  writePidFile(daemonPidFile(settings.socketDirectory));
  process.send?.('ready');

  async function reload(): Promise<void> {
    const next = readConfig(directory, log);
    if (!next) return log.error('the old settings stay in force');
    log.info('restarting authdaemond children');
    const old = serving;
    serving = await assemble(next, guard, log);
    guard.configure(guessSettings(next.auth.settings));
    daemon.use(serving.chain, serving.answers);
    await old.close();
  }
  /** One after the other. */
  let reloading = Promise.resolve();
  hangUp = () => {
    reloading = reloading.then(reload).catch((error: unknown) => log.error(errorText(error)));
  };
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
    if (supervised) whenSupervisorEnds(resolve);
  });
  log.info('stopping authdaemond children');
  await daemon.close();
  await serving.close();
  return 0;
}

/** The settings, or undefined when the daemon's own files have errors: what the listeners lack does not matter here. */
function readConfig(directory: string, log: Log): Config | undefined {
  const config = loadConfig(directory);
  const mine = config.errors.filter(({ file }) => /\/(?:authdaemonrc|postrider)$/.test(file));
  for (const problem of mine) log.error(formatProblem(problem));
  return mine.length === 0 ? config : undefined;
}

interface Serving {
  readonly chain: Chain;
  readonly answers: AnswerSettings;
  close(): Promise<void>;
}

async function assemble(config: Config, guard: GuessGuard, log: Log): Promise<Serving> {
  const { directory, auth } = config;
  const { settings } = auth;
  log.info(`modules="${settings.modules.join(' ')}", daemons=${settings.workers}`);
  const write = (line: string) => log.debug(line.slice(0, 1023));
  const trace = settings.debugLogin > 0 ? write : () => {};
  const detail = settings.debugLogin > 1 ? write : () => {};
  const passwords = createPasswords(settings.workers);
  const context = { passwords, log, trace, detail };
  const places = {
    configDirectory: directory,
    userdb: settings.userdb,
    concurrency: settings.workers,
    ldapEnvironment: settings.ldapEnvironment,
  };
  const modules: AuthModule[] = await createModules(settings.modules, places, context);
  const { defaultOptions, minimumUid } = settings;
  const tokens = tokenChecker(settings, log);
  const chain = createChain({
    modules,
    settings: { defaultOptions, minimumUid },
    guard,
    tokens,
    log,
    trace,
    detail,
  });
  const answers = { passwordGroup: await passwordGroup(settings, log), makeHome: homeMaker(config, log) };
  return {
    chain,
    answers,
    close: async () => void (await Promise.all(modules.map((module) => module.close()))),
  };
}

/** Bearer tokens are rejected when their settings cannot be used. */
function tokenChecker(settings: AuthSettings, log: Log): TokenChecker | undefined {
  try {
    return createTokenChecker({
      introspectionUrl: settings.oauthIntrospectionUrl,
      clientId: settings.oauthClientId,
      clientSecret: settings.oauthClientSecret,
      jwksUrl: settings.oauthJwksUrl,
      issuer: settings.oauthIssuer,
      audience: settings.oauthAudience,
      userClaim: settings.oauthUserClaim,
    });
  } catch (error) {
    log.error(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

function guessSettings(settings: AuthSettings): GuessSettings {
  return {
    freeFailures: settings.freeLoginFailures,
    maxDelayMs: settings.maxLoginDelaySeconds * 1000,
    lockAddressAfter: settings.lockAddressAfter,
    lockAccountAfter: settings.lockAccountAfter,
    windowMs: settings.loginFailureWindowSeconds * 1000,
    exempt: settings.trustedAddresses,
  };
}

async function passwordGroup({ passwordGroup: name }: AuthSettings, log: Log): Promise<number | undefined> {
  const group = name ? await findGroupId(name) : undefined;
  if (name && group === undefined) log.error(`there is no group ${name} (PASSWORD_GROUP)`);
  return group;
}

/** AUTH_MKHOMEDIR_SKEL, which Courier has in the files of the services. */
function homeMaker({ imap, imaps, pop3, pop3s }: Config, log: Log): MakeHome | undefined {
  const skeleton = [imap, imaps, pop3, pop3s].map((service) => service?.settings.homeSkeleton).find(Boolean);
  return skeleton === undefined ? undefined : createHomeMaker(skeleton, uidOf, log);
}

const uidOf = async (username: string) => (await findSystemAccount(username))?.uid;

/** Where a supervisor that has started us writes to; it ends with the supervisor. */
const supervisorDescriptor = 3;

/** The key of login tickets. */
function readTicketKey(): Uint8Array {
  const key = Buffer.alloc(ticketKeyOctets);
  let octets = 0;
  while (octets < key.length) {
    const read = readSync(supervisorDescriptor, key, octets, key.length - octets, null);
    if (read === 0) throw new Error('--supervised: no key');
    octets += read;
  }
  return key;
}

function whenSupervisorEnds(work: () => void): void {
  const socket = new Socket({ fd: supervisorDescriptor, readable: true, writable: false });
  socket.on('error', () => {}).on('close', work);
  socket.resume();
  // It must not keep a daemon alive that has been told to end.
  socket.unref();
}

/**
 * Makes the run directory, mode 0750, for the group of the user that the login processes run as. It is not theirs:
 * whoever takes one of them over cannot put a socket of his own into it.
 */
function makeDirectory(directory: string, { server }: Config): void {
  if (existsSync(directory)) return;
  mkdirSync(directory, { mode: 0o750, recursive: true });
  if (!isRoot()) return;
  const { workerUser } = server.settings;
  const owner = workerUser ? findUser(workerUser) : firstUser(['courier', 'daemon', 'nobody']);
  if (owner) chownSync(directory, 0, owner.gid);
}
