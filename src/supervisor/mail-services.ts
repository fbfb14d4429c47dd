/** What sessions get from the process they run in: from an account to its mailboxes. */
import { isAbsolute, join } from 'node:path';
import type { Identity } from '../access/acl.ts';
import { runLoginExec } from '../access/login-exec.ts';
import { Mailboxes } from '../access/mailboxes.ts';
import { type AccountRecord, optionIsSet } from '../auth/account-record.ts';
import type { Log } from '../base/log.ts';
import type { ImapServices } from '../imap/session.ts';
import type { LoginServices } from '../login/services.ts';
import { mappedAddress } from '../net/address.ts';
import type { Connection } from '../net/connection.ts';
import type { Pop3Services } from '../pop3/services.ts';
import { type SmapServices, SmapSession } from '../smap/session.ts';
import { openAccount } from '../store/account.ts';
import { checkLogin } from '../store/login-checks.ts';
import type { ImapServiceSettings, MailSettings, Pop3ServiceSettings } from './settings.ts';

/** The maildir of an account, an octet string: its own, else MAILDIRPATH, below its home directory. */
export function maildirOf(account: AccountRecord, maildirPath: string): string {
  const maildir = account.maildir ?? maildirPath;
  return isAbsolute(maildir) ? maildir : join(account.home, maildir);
}

/**
 * Runs `loginexec` on the way.
 * @param own  variables for it that the protocol has
 * @throws {MailError} the maildir cannot be used
 */
export async function openMailboxes(
  account: AccountRecord,
  connection: Connection,
  mail: MailSettings,
  log: Log,
  own: Readonly<Record<string, string>>,
): Promise<Mailboxes> {
  const { durable, keywords, useLocks, hostname, quotaRules, watch, mailboxes, maildirPath } = mail;
  const maildir = maildirOf(account, maildirPath);
  const store = openAccount(maildir, {
    durable,
    keywords,
    useLocks,
    hostname,
    watch,
    log,
    ...quotaRules,
    ...mail.index,
  });
  const owner = mail.checks.owner ? { uid: process.geteuid!(), gid: process.getegid!() } : undefined;
  checkLogin({ home: account.home, maildir, owner, clock: mail.checks.clock }, store.settings);
  if (mail.loginExecTimeoutMs !== undefined) {
    const environment = { ...mail.environment, ...hookEnvironment(account, connection), ...own };
    await runLoginExec(store.maildir, environment, mail.loginExecTimeoutMs, log);
  }
  const maildirQuota = account.quota || mailboxes.maildirQuota || '';
  return new Mailboxes(store, { ...mailboxes, maildirQuota }, identityOf(account));
}

/** What `loginexec` may know beside the settings: who logs in, and from where (pop3-proxy-options §8). */
function hookEnvironment(
  { address, options }: AccountRecord,
  connection: Connection,
): Record<string, string> {
  const pairs = [...options].flatMap(([name, values]) => values.map((value) => `${name}=${value}`));
  return {
    AUTHENTICATED: address,
    OPTIONS: pairs.join(','),
    TCPREMOTEIP: mappedAddress(connection.remoteAddress),
    TCPREMOTEPORT: String(connection.remotePort),
    TCPLOCALIP: mappedAddress(connection.localAddress),
    TCPLOCALPORT: String(connection.localPort),
  };
}

/** Whom access control lists know the account as (quota-acl-shared §2.5). */
function identityOf({ address, options }: AccountRecord): Identity {
  const sharedGroup = options.get('sharedgroup')?.[0];
  return {
    login: address,
    groups: options.get('group') ?? [],
    aclsDisabled: optionIsSet(options, 'disableshared'),
    // It becomes part of a file's name.
    ...(sharedGroup !== undefined && !/[\t,/|]/.test(sharedGroup) && { sharedGroup }),
  };
}

/** What IMAP sessions of a service get; `login` only where strangers connect. */
export function imapServices(service: ImapServiceSettings, log: Log, login?: LoginServices): ImapServices {
  return {
    settings: service.imap,
    log,
    ...(login && {
      login,
      startSmap: (connection, octets, capabilityText) =>
        new SmapSession(connection, { ...smapServices(service, log), login, capabilityText }, octets),
    }),
    openMailboxes: (account, connection, tag = '') =>
      openMailboxes(account, connection, service.mail, log, {
        PROTOCOL: 'IMAP',
        IMAPLOGINTAG: tag,
        IMAP_TLS: connection.secure ? '1' : '0',
      }),
  };
}

/** What SMAP1 sessions get that begin logged in. */
export function smapServices(service: ImapServiceSettings, log: Log): SmapServices {
  return {
    log,
    settings: service.imap,
    capabilityText: () => '',
    openMailboxes: (account, connection) =>
      openMailboxes(account, connection, service.mail, log, {
        PROTOCOL: 'SMAP1',
        IMAPLOGINTAG: '\\SMAP1',
        IMAP_TLS: connection.secure ? '1' : '0',
      }),
  };
}

/** The same for POP3. */
export function pop3Services(service: Pop3ServiceSettings, log: Log, login?: LoginServices): Pop3Services {
  return {
    settings: service.pop3,
    log,
    ...(login && { login }),
    openMailboxes: (account, connection, utf8) =>
      openMailboxes(account, connection, service.mail, log, {
        UTF8: utf8 ? '1' : '0',
        POP3_TLS: connection.secure ? '1' : '0',
      }),
  };
}
