/** `authldap` (authlib §9) over ldapts, always LDAPv3; settings in `authldaprc`. */
import { Attribute, Change } from 'ldapts';
import type { Account, EnumeratedAccount } from '../account-record.ts';
import { AuthError, errorText } from '../auth-error.ts';
import { openRcFile } from '../rc-file.ts';
import { type AccountSource, type StoredAccount, storedModule } from '../stored-module.ts';
import { octetsToText, toOctets } from '../wire.ts';
import { createLdapConnections, type LdapConnections, type LdapEntry } from './ldap-connections.ts';
import { escapeFilter, globalIds, type LdapSettings, readLdapSettings } from './ldap-settings.ts';
import type { AuthModule, LoginRequest, ModuleContext, PasswordChange } from './module.ts';

interface BackEnd {
  readonly settings: LdapSettings;
  readonly connections: LdapConnections;
}

interface Found extends StoredAccount {
  readonly entry: LdapEntry;
}

/**
 * @param path  `<config dir>/authldaprc`
 * @param environment  the LDAP… settings of authdaemonrc without that prefix
 */
export function createLdapModule(
  path: string,
  environment: ReadonlyMap<string, string>,
  context: ModuleContext,
): AuthModule {
  const file = openRcFile(path, readLdapSettings, context.log);
  let opened: BackEnd | undefined;

  function current(): BackEnd {
    const settings = file.current();
    if (opened?.settings !== settings) {
      opened?.connections.close().catch((error: unknown) => context.log.warn(errorText(error)));
      opened = { settings, connections: createLdapConnections(settings, environment) };
    }
    return opened;
  }

  const find = (userId: string, service: string) => findAccount(current(), userId, service, context);

  async function store(request: PasswordChange, stored: StoredAccount): Promise<boolean> {
    const { settings, connections } = current();
    const { entry } = stored as Found;
    const changes = await passwordChanges(settings, entry, request.newPassword, context);
    if (changes.length === 0) return false;
    if (!settings.authBind) {
      await connections.modify(entry.dn, changes);
      return true;
    }
    const password = octetsToText(request.oldPassword);
    return connections.bindAs(entry.dn, password, (as) => as.modify(entry.dn, changes));
  }

  async function* enumerate(): AsyncGenerator<EnumeratedAccount> {
    const { settings, connections } = current();
    const ids = await globalIds(settings);
    const pages = connections.pages(settings.baseDn, settings.enumerateFilter, attributesOf(settings));
    for await (const entry of pages) {
      // Courier does not apply LDAP_MAILROOT here; an entry without home is no account.
      if (!first(entry, settings.homeDir)) continue;
      for (const mail of entry.values.get(settings.mail.toLowerCase()) ?? []) {
        const { uid, gid, home, maildir, options } = readAccount(
          settings,
          ids,
          entry,
          toOctets(mail),
          'enumerate',
        );
        if (uid !== undefined) yield { address: toOctets(mail), uid, gid, home, maildir, options };
      }
    }
  }

  const source: AccountSource = {
    name: 'authldap',
    clearDecides: true,
    find,
    store,
    enumerate,
    async close() {
      await opened?.connections.close();
    },
  };
  const stored = storedModule(source, context);

  /** LDAP_AUTHBIND: the directory checks the password. */
  async function bindLogin(request: LoginRequest): Promise<{ found: Found; account: Account } | undefined> {
    const { settings, connections } = current();
    const found = await find(request.userId, request.service);
    // An unknown id costs a bind too.
    const dn = found?.entry.dn ?? `cn=no-such-user,${settings.baseDn}`;
    const accepted = await connections.bindAs(dn, octetsToText(request.password));
    if (!accepted || !found) return undefined;
    return {
      found,
      account: { ...found.account, cryptPassword: found.crypt, clearPassword: request.password },
    };
  }

  return {
    ...stored,
    async login(request) {
      if (request.password === '') return undefined;
      return current().settings.authBind ? (await bindLogin(request))?.account : stored.login(request);
    },
    async changePassword(request) {
      if (!current().settings.authBind) return stored.changePassword!(request);
      const proved = await bindLogin({ ...request, password: request.oldPassword });
      return proved ? store(request, proved.found) : false;
    },
  };
}

const first = (entry: LdapEntry, attribute: string): string | undefined =>
  attribute === '' ? undefined : entry.values.get(attribute.toLowerCase())?.[0] || undefined;

function attributesOf(settings: LdapSettings): string[] {
  const { mail, uid, gid, homeDir, maildir, defaultDelivery, quota, fullName, clearPassword, cryptPassword } =
    settings;
  const named = [
    mail,
    uid,
    gid,
    homeDir,
    maildir,
    defaultDelivery,
    quota,
    fullName,
    clearPassword,
    cryptPassword,
  ];
  return [...new Set([...named, ...settings.options.map(([attribute]) => attribute)])].filter(Boolean);
}

async function findAccount(
  { settings, connections }: BackEnd,
  userId: string,
  service: string,
  context: ModuleContext,
): Promise<Found | undefined> {
  const typed = octetsToText(userId);
  if (typed.includes('\ufffd')) return undefined;
  const id = typed.includes('@') || settings.domain === '' ? typed : `${typed}@${settings.domain}`;
  const filter = await accountFilter(settings, connections, id, context);
  if (filter === undefined) return undefined;
  context.trace(`Query: ${filter}`);
  const entries = await connections.search(settings.baseDn, filter, attributesOf(settings), 2);
  if (entries.length !== 1) return undefined;
  const entry = entries[0]!;
  detailEntry(settings, entry, context);
  const account = readAccount(settings, await globalIds(settings), entry, userId, service);
  if (account.uid === undefined || account.gid < 0) {
    throw new AuthError('temporary', `${typed} has no uid or gid`);
  }
  const octets = (value: string | undefined) => (value === undefined ? undefined : toOctets(value));
  return {
    entry,
    account,
    crypt: octets(first(entry, settings.cryptPassword)),
    clear: octets(first(entry, settings.clearPassword)),
  };
}

/** DEBUG_LOGIN 2: the entry as it came, passwords left out. */
function detailEntry(settings: LdapSettings, { dn, values }: LdapEntry, { detail }: ModuleContext): void {
  const secret = [settings.clearPassword, settings.cryptPassword, 'userPassword'].map((name) =>
    name.toLowerCase(),
  );
  detail(`DN: ${dn}`);
  for (const [name, all] of values) {
    const shown = secret.includes(name.toLowerCase()) ? ['<hidden>'] : all;
    for (const value of shown) detail(`${name}: ${value}`);
  }
}

async function accountFilter(
  settings: LdapSettings,
  connections: LdapConnections,
  id: string,
  context: ModuleContext,
): Promise<string | undefined> {
  const { emailMap } = settings;
  const by = (attribute: string, value: string) => {
    const match = `(${attribute}=${escapeFilter(value)})`;
    return settings.filter === '' ? match : `(&${settings.filter}${match})`;
  };
  const at = id.lastIndexOf('@');
  if (!emailMap || at < 0) return by(settings.mail, id);
  const names: Readonly<Record<string, string>> = { user: id.slice(0, at), realm: id.slice(at + 1) };
  const filter = emailMap.filter.replace(/@([^@]*)@/g, (_, name: string) => escapeFilter(names[name] ?? ''));
  context.trace(`Query: ${filter}`);
  const entries = await connections.search(emailMap.baseDn, filter, [emailMap.attribute], 2);
  const value = entries.length === 1 ? first(entries[0]!, emailMap.attribute) : undefined;
  return value === undefined ? undefined : by(emailMap.mail, value);
}

function readAccount(
  settings: LdapSettings,
  ids: { uid: number | undefined; gid: number | undefined },
  entry: LdapEntry,
  address: string,
  service: string,
): Account {
  const number = (attribute: string) => {
    const value = first(entry, attribute);
    return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
  };
  const text = (attribute: string) => {
    const value = first(entry, attribute);
    return value === undefined ? undefined : toOctets(value);
  };
  const home = text(settings.homeDir) ?? '';
  const underRoot =
    settings.mailRoot !== '' && home !== '' && !home.startsWith('/') && service !== 'enumerate';
  const options = settings.options.flatMap(([attribute, option]) => {
    const value = text(attribute);
    return value === undefined ? [] : [`${option}=${value}`];
  });
  return {
    address,
    uid: number(settings.uid) ?? ids.uid,
    gid: number(settings.gid) ?? ids.gid ?? -1,
    home: underRoot ? `${settings.mailRoot}/${home}` : home,
    maildir: (service === 'courier' ? text(settings.defaultDelivery) : undefined) ?? text(settings.maildir),
    quota: text(settings.quota),
    fullName: text(settings.fullName),
    options: options.join(',') || undefined,
  };
}

/** Each password attribute is replaced only where it is configured and there. */
async function passwordChanges(
  { clearPassword, cryptPassword }: LdapSettings,
  entry: LdapEntry,
  newPassword: string,
  { passwords }: ModuleContext,
): Promise<Change[]> {
  const replace = (type: string, value: string) =>
    new Change({ operation: 'replace', modification: new Attribute({ type, values: [value] }) });
  const changes: Change[] = [];
  if (first(entry, clearPassword)) changes.push(replace(clearPassword, octetsToText(newPassword)));
  const stored = first(entry, cryptPassword);
  if (stored) changes.push(replace(cryptPassword, await passwords.hash(newPassword, toOctets(stored))));
  return changes;
}
