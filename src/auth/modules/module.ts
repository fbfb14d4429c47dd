/** What the daemon asks of a module (authlib §2.5). Every text is an octet string. */
import type { Log } from '../../base/log.ts';
import type { Account, EnumeratedAccount } from '../account-record.ts';
import type { CramResponse } from '../cram.ts';
import type { Passwords } from '../passwords.ts';

export interface LoginRequest {
  readonly service: string;
  readonly userId: string;
  readonly password: string;
  /** The mail client's address (TCPREMOTEIP). */
  readonly remoteIp?: string | undefined;
}

export interface CramRequest {
  readonly service: string;
  /** As received, for modules that pass them on. */
  readonly authType: string;
  readonly challenge: string;
  readonly response: string;
  readonly cram: CramResponse;
}

export interface PasswordChange {
  readonly service: string;
  readonly userId: string;
  readonly oldPassword: string;
  readonly newPassword: string;
}

/** What SCRAM needs to know about an account: a clear password, or a `{SCRAM-SHA-256}` value. */
export interface ScramSecret {
  readonly account: Account;
  readonly clear?: string | undefined;
  readonly keys?: string | undefined;
}

/**
 * A back end. An answer of undefined (or false) is *reject*: the next module is asked. A thrown `AuthError` of
 * kind `temporary`, or anything else that is thrown, ends the request as a temporary failure.
 */
export interface AuthModule {
  /** As in `authmodulelist`: `authuserdb`. */
  readonly name: string;
  login(request: LoginRequest): Promise<Account | undefined>;
  cram(request: CramRequest): Promise<Account | undefined>;
  lookup(userId: string, service: string): Promise<Account | undefined>;
  scram?(userId: string, service: string): Promise<ScramSecret | undefined>;
  changePassword?(request: PasswordChange): Promise<boolean>;
  /** @throws {AuthError} temporary: the list is not complete */
  enumerate?(): AsyncIterable<EnumeratedAccount>;
  close(): Promise<void>;
}

/** What every module is given. */
export interface ModuleContext {
  readonly passwords: Passwords;
  readonly log: Log;
  /** DEBUG_LOGIN 1: a line of the trace. */
  trace(line: string): void;
  /** DEBUG_LOGIN 2: what the back ends are asked and answer, never a password or what stands for one. */
  detail(line: string): void;
}
