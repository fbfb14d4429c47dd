/**
 * The module chain (authlib §2.5): accept stops, reject asks the next module, a temporary failure stops without an
 * answer. Around it what no module may forget: limits on ids, guessing protection, DEFAULTOPTIONS, uid 0.
 * Octet strings.
 */
import type { Log } from '../base/log.ts';
import { type Account, type EnumeratedAccount, mergeDefaultOptions } from './account-record.ts';
import { AuthError, errorText } from './auth-error.ts';
import { readCram } from './cram.ts';
import type { GuessGuard } from './guess-guard.ts';
import type { AuthModule, PasswordChange, ScramSecret } from './modules/module.ts';
import { hasControls, splitAuthData } from './wire.ts';

export interface ChainSettings {
  /** DEFAULTOPTIONS */
  readonly defaultOptions: string;
  /** Accounts with a smaller uid, or with gid 0 when this is above 0, are refused. */
  readonly minimumUid: number;
}

/** Checks bearer tokens (RFC 7628): the id they were issued for, or undefined. */
export interface TokenChecker {
  /** @throws {AuthError} temporary: the endpoint does not answer */
  check(token: string): Promise<string | undefined>;
}

export interface Chain {
  /** undefined: rejected. @throws {AuthError} temporary */
  authenticate(
    service: string,
    authType: string,
    data: string,
    remoteIp?: string,
  ): Promise<Account | undefined>;
  lookup(module: string, service: string, userId: string): Promise<Account | undefined>;
  scramSecret(service: string, userId: string): Promise<ScramSecret | undefined>;
  /** Before a SCRAM exchange: waits, or says false when locked out. */
  admit(remoteIp: string | undefined, userId: string): Promise<boolean>;
  /** After one: counts it. */
  settle(remoteIp: string | undefined, userId: string, accepted: boolean): void;
  accept(account: Account): Account | undefined;
  changePassword(request: PasswordChange): Promise<boolean>;
  /** Module by module. */
  enumerate(): AsyncIterable<{ module: string } | EnumeratedAccount>;
}

interface Parts {
  readonly modules: readonly AuthModule[];
  readonly settings: ChainSettings;
  readonly guard: GuessGuard;
  readonly tokens?: TokenChecker | undefined;
  readonly log: Log;
  trace(line: string): void;
  /** As a module's. */
  detail(line: string): void;
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export function createChain(parts: Parts): Chain {
  const { modules, settings, guard, log, trace, detail } = parts;

  async function firstAccept<Result>(
    candidates: readonly AuthModule[],
    ask: (module: AuthModule) => Promise<Result | undefined> | undefined,
  ): Promise<Result | undefined> {
    for (const module of candidates) {
      trace(`${module.name}: trying this module`);
      let result: Result | undefined;
      try {
        result = await ask(module);
      } catch (error) {
        if (error instanceof AuthError && error.kind === 'rejected') result = undefined;
        else {
          trace(`${module.name}: TEMPFAIL - no more modules will be tried`);
          throw temporary(module.name, error, log);
        }
      }
      if (result !== undefined) return result;
      trace(`${module.name}: REJECT - try next module`);
    }
    trace('FAIL, all modules rejected');
    return undefined;
  }

  function accept(found: Account): Account | undefined {
    const { minimumUid } = settings;
    const { address, uid, gid, home } = found;
    if ((uid !== undefined && uid < minimumUid) || (minimumUid > 0 && gid === 0)) {
      log.error(`refuse to authenticate ${address}: uid=${uid}, gid=${gid} (zero uid or gid not permitted)`);
      return undefined;
    }
    if (home === '' || address === '' || (uid === undefined && found.username === undefined)) {
      log.error(`refuse to authenticate ${address}: no home directory or no uid`);
      return undefined;
    }
    const account = { ...found, options: mergeDefaultOptions(found.options, settings.defaultOptions) };
    traceAccount(account, trace);
    detail(
      `Authenticated: clearpasswd=${account.clearPassword ? '<hidden>' : '<null>'}, passwd=${kindOf(account.cryptPassword)}`,
    );
    return account;
  }

  async function login(service: string, data: string, remoteIp: string | undefined) {
    const [userId, password] = splitAuthData(data) ?? [];
    if (userId === undefined || password === undefined) return undefined;
    if (hasControls(userId) || hasControls(password)) return undefined;
    return guarded(remoteIp, userId, () =>
      firstAccept(modules, (module) => module.login({ service, userId, password, remoteIp })),
    );
  }

  async function cramLogin(service: string, authType: string, data: string, remoteIp: string | undefined) {
    const [challenge, response] = splitAuthData(data) ?? [];
    const cram = readCram(authType, challenge ?? '', response ?? '');
    if (!cram || challenge === undefined || response === undefined || hasControls(cram.userId))
      return undefined;
    // The response would do for guessing the password elsewhere.
    detail(`cram: challenge=${challenge}, username=${cram.userId}`);
    const request = { service, authType, challenge, response, cram };
    return guarded(remoteIp, cram.userId, () => firstAccept(modules, (module) => module.cram(request)));
  }

  async function bearer(service: string, data: string, remoteIp: string | undefined) {
    const [userId, token] = splitAuthData(data) ?? [];
    const { tokens } = parts;
    if (!tokens || userId === undefined || token === undefined || hasControls(userId)) return undefined;
    return guarded(remoteIp, userId, async () => {
      const owner = await tokens.check(token);
      if (owner === undefined || owner !== userId) return undefined;
      return firstAccept(modules, (module) => module.lookup(userId, service));
    });
  }

  async function guarded(
    remoteIp: string | undefined,
    userId: string,
    attempt: () => Promise<Account | undefined>,
  ): Promise<Account | undefined> {
    if (!(await admit(remoteIp, userId))) return undefined;
    const found = await attempt();
    const account = found && accept(found);
    settle(remoteIp, userId, account !== undefined);
    return account;
  }

  async function admit(remoteIp: string | undefined, userId: string): Promise<boolean> {
    const wait = guard.admit(remoteIp, userId);
    if (wait === 'locked') log.info(`locked out: user=${userId}, ip=[${remoteIp ?? ''}]`);
    else if (wait > 0) await sleep(wait);
    return wait !== 'locked';
  }

  function settle(remoteIp: string | undefined, userId: string, accepted: boolean): void {
    if (accepted) guard.succeeded(remoteIp, userId);
    else guard.failed(remoteIp, userId);
  }

  return {
    async authenticate(service, authType, data, remoteIp) {
      trace(`received auth request, service=${service}, authtype=${authType}`);
      if (authType === 'login') return login(service, data, remoteIp);
      if (authType === 'oauthbearer') return bearer(service, data, remoteIp);
      return cramLogin(service, authType, data, remoteIp);
    },
    async lookup(module, service, userId) {
      trace(`received userid lookup request: ${userId}`);
      if (hasControls(userId)) return undefined;
      const candidates = module === '.' ? modules : modules.filter(({ name }) => name === module);
      const found = await firstAccept(candidates, (candidate) => candidate.lookup(userId, service));
      return found && accept(found);
    },
    scramSecret: (service, userId) => firstAccept(modules, (module) => module.scram?.(userId, service)),
    admit,
    settle,
    accept,
    async changePassword(request) {
      if (
        [request.userId, request.oldPassword, request.newPassword].some(
          (text) => text === '' || hasControls(text),
        )
      ) {
        return false;
      }
      const able = modules.filter((module) => module.changePassword);
      const changed = await firstAccept(able, async (module) =>
        (await module.changePassword!(request)) ? true : undefined,
      );
      return changed === true;
    },
    async *enumerate() {
      for (const module of modules) {
        if (!module.enumerate) continue;
        yield { module: module.name };
        for await (const account of module.enumerate()) {
          yield { ...account, options: mergeDefaultOptions(account.options, settings.defaultOptions) };
        }
      }
    },
  };
}

function temporary(name: string, error: unknown, log: Log): AuthError {
  if (error instanceof AuthError) {
    log.error(`${name}: ${error.message}`);
    return error;
  }
  log.error(`${name}: ${error instanceof Error ? (error.stack ?? error.message) : errorText(error)}`);
  return new AuthError('temporary', `${name}: ${errorText(error)}`, { cause: error });
}

/** What is there of a password: nothing, a hash of some scheme, or something. */
function kindOf(password: string | undefined): string {
  if (password === undefined || password === '') return '<null>';
  return /^(?:\{[\w-]+\}|\$[a-z0-9]+\$)/i.exec(password)?.[0] ?? '<hidden>';
}

/** Never the passwords, whatever DEBUG_LOGIN says. */
function traceAccount(account: Account, trace: (line: string) => void): void {
  const shown = (value: string | number | undefined) => value ?? '<null>';
  trace(
    `Authenticated: sysusername=${shown(account.username)}, sysuserid=${shown(account.uid)}, ` +
      `sysgroupid=${account.gid}, homedir=${account.home}, address=${account.address}, ` +
      `fullname=${shown(account.fullName)}, maildir=${shown(account.maildir)}, ` +
      `quota=${shown(account.quota)}, options=${shown(account.options)}`,
  );
}
