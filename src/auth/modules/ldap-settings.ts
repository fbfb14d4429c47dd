/** `authldaprc` (authlib §9) and the LDAPTLS_* settings of `authdaemonrc`. */
import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { integerValue, type RcValues, requiredValue } from '../rc-file.ts';
import { findGroupId, findSystemAccount } from '../system-accounts.ts';
import { readAuthorities, usualAuthorities } from './authorities.ts';

export interface LdapSettings {
  /** Tried in turn. */
  readonly uris: readonly string[];
  readonly baseDn: string;
  readonly timeoutMs: number;
  /** Undefined: searches are anonymous. */
  readonly bind: { readonly dn: string; readonly password: string } | undefined;
  readonly authBind: boolean;
  readonly startTls: boolean;
  readonly deref: 'never' | 'search' | 'find' | 'always';
  readonly mail: string;
  readonly filter: string;
  readonly domain: string;
  readonly globUid: string;
  readonly globGid: string;
  readonly uid: string;
  readonly gid: string;
  readonly homeDir: string;
  readonly mailRoot: string;
  readonly maildir: string;
  readonly defaultDelivery: string;
  readonly quota: string;
  readonly fullName: string;
  readonly clearPassword: string;
  readonly cryptPassword: string;
  /** Attribute and the option it becomes. */
  readonly options: readonly (readonly [attribute: string, option: string])[];
  readonly enumerateFilter: string;
  readonly emailMap: LdapEmailMap | undefined;
}

/** The two-step look-up of ids with `@`. */
export interface LdapEmailMap {
  readonly filter: string;
  readonly baseDn: string;
  readonly attribute: string;
  /** The attribute that the value found is looked up in. */
  readonly mail: string;
}

const module = 'authldap';
const derefs: Readonly<Record<string, LdapSettings['deref']>> = {
  never: 'never',
  searching: 'search',
  finding: 'find',
  always: 'always',
};

/** @throws {Error} a setting is missing or cannot be used */
export function readLdapSettings(values: RcValues): LdapSettings {
  const text = (name: string, absent = '') => values.get(name) || absent;
  const flag = (name: string) => integerValue(values, name, module, 0) !== 0;
  const uris = requiredValue(values, 'LDAP_URI', module)
    .split(/[\s,]+/)
    .filter(Boolean);
  const unusable = uris.find((uri) => !/^ldaps?:\/\//.test(uri));
  if (unusable)
    throw new Error(`${module}: LDAP_URI: only ldap:// and ldaps:// are possible, not ${unusable}`);
  const deref = derefs[text('LDAP_DEREF', 'never').toLowerCase()];
  if (!deref) throw new Error(`${module}: INVALID LDAP_DEREF`);
  const baseDn = requiredValue(values, 'LDAP_BASEDN', module);
  const mail = text('LDAP_MAIL', 'mail');
  const filter = wrapped(text('LDAP_FILTER'));
  const dn = flag('LDAP_INITBIND')
    ? {
        dn: requiredValue(values, 'LDAP_BINDDN', module),
        password: requiredValue(values, 'LDAP_BINDPW', module),
      }
    : undefined;
  return {
    uris,
    baseDn,
    timeoutMs: integerValue(values, 'LDAP_TIMEOUT', module, 5) * 1000,
    bind: dn,
    authBind: flag('LDAP_AUTHBIND'),
    startTls: flag('LDAP_TLS'),
    deref,
    mail,
    filter,
    domain: text('LDAP_DOMAIN'),
    globUid: text('LDAP_GLOB_UID'),
    globGid: text('LDAP_GLOB_GID'),
    uid: text('LDAP_UID'),
    gid: text('LDAP_GID'),
    homeDir: text('LDAP_HOMEDIR', 'homeDir'),
    mailRoot: text('LDAP_MAILROOT'),
    maildir: text('LDAP_MAILDIR'),
    defaultDelivery: text('LDAP_DEFAULTDELIVERY'),
    quota: text('LDAP_MAILDIRQUOTA'),
    fullName: text('LDAP_FULLNAME'),
    clearPassword: text('LDAP_CLEARPW'),
    cryptPassword: text('LDAP_CRYPTPW'),
    options: readAuxOptions(text('LDAP_AUXOPTIONS')),
    enumerateFilter: wrapped(text('LDAP_ENUMERATE_FILTER')) || filter || `(${mail}=*)`,
    emailMap: readEmailMap(values, baseDn, mail),
  };
}

/** A filter in parentheses; administrators leave the outer ones out. */
function wrapped(filter: string): string {
  return filter === '' || filter.startsWith('(') ? filter : `(${filter})`;
}

/** `attr=option,attr`: without an option the attribute's own name is it. */
function readAuxOptions(text: string): [string, string][] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean)
    .map((item) => {
      const [attribute, option] = item.split('=', 2) as [string, string | undefined];
      return [attribute, option || attribute];
    });
}

function readEmailMap(values: RcValues, baseDn: string, mail: string): LdapEmailMap | undefined {
  const filter = wrapped(values.get('LDAP_EMAILMAP') ?? '');
  if (filter === '') return undefined;
  return {
    filter,
    baseDn: values.get('LDAP_EMAILMAP_BASEDN') || baseDn,
    attribute: values.get('LDAP_EMAILMAP_ATTRIBUTE') || 'handle',
    mail: values.get('LDAP_EMAILMAP_MAIL') || mail,
  };
}

/** RFC 4515 §3, also for what comes out of the directory. */
export function escapeFilter(value: string): string {
  return value.replace(/[*()\\\0]/g, (c) => `\\${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** A number, or the id of a user or group of the system. */
export async function globalIds({
  globUid,
  globGid,
}: LdapSettings): Promise<{ uid: number | undefined; gid: number | undefined }> {
  const account = globUid !== '' && !/^\d+$/.test(globUid) ? await findSystemAccount(globUid) : undefined;
  const uid = /^\d+$/.test(globUid) ? Number(globUid) : account?.uid;
  const gid = globGid === '' ? account?.gid : await findGroupId(globGid);
  return { uid, gid };
}

/** @param environment  LDAPTLS_CACERT as `TLS_CACERT` and so on: ldap.conf(5) */
export function ldapTlsOptions(environment: ReadonlyMap<string, string>): ConnectionOptions {
  const file = (name: string) => {
    const path = environment.get(name);
    return path ? readFileSync(path) : undefined;
  };
  const [caFile, cert, key] = [file('TLS_CACERT'), file('TLS_CERT'), file('TLS_KEY')];
  const caDirectory = environment.get('TLS_CACERTDIR');
  const ca = [...(caFile ? [caFile] : []), ...(caDirectory ? readAuthorities(caDirectory) : [])];
  const required = environment.get('TLS_REQCERT')?.toLowerCase() ?? 'demand';
  return {
    rejectUnauthorized: required !== 'never' && required !== 'allow',
    ca: ca.length > 0 ? ca : usualAuthorities(),
    ...(cert && { cert }),
    ...(key && { key }),
  };
}
