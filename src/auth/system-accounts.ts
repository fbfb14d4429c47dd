/**
 * The system's users and groups (getpwnam_r, getspnam_r, getgrnam_r; so NSS modules count), through koffi, off the
 * event loop. Octet strings.
 */
import type { TypeObject } from 'koffi';
import koffi from '../base/native.ts';
import { AuthError } from './auth-error.ts';
import { toOctets } from './wire.ts';

export interface SystemAccount {
  readonly name: string;
  /** `x` where the hash is in the shadow file. */
  readonly password: string;
  readonly uid: number;
  readonly gid: number;
  readonly gecos: string;
  readonly home: string;
  readonly shell: string;
}

/** shadow(5); days since 1970, undefined where the field is empty. */
export interface ShadowEntry {
  readonly password: string;
  readonly lastChange: number | undefined;
  readonly maxDays: number | undefined;
  readonly expires: number | undefined;
}

const libc = koffi.load('libc.so.6');

const passwd = koffi.struct('postrider_passwd', {
  name: 'const char *',
  password: 'const char *',
  uid: 'uint32_t',
  gid: 'uint32_t',
  gecos: 'const char *',
  home: 'const char *',
  shell: 'const char *',
});
const shadow = koffi.struct('postrider_spwd', {
  name: 'const char *',
  password: 'const char *',
  lastChange: 'long',
  minDays: 'long',
  maxDays: 'long',
  warnDays: 'long',
  inactiveDays: 'long',
  expires: 'long',
  flags: 'unsigned long',
});
const group = koffi.struct('postrider_group', {
  name: 'const char *',
  password: 'const char *',
  gid: 'uint32_t',
  members: 'void *',
});

const parameters = 'const char *name, uint8_t *entry, uint8_t *strings, size_t length, uint8_t *found';
const getpwnam = libc.func(`int getpwnam_r(${parameters})`);
const getspnam = libc.func(`int getspnam_r(${parameters})`);
const getgrnam = libc.func(`int getgrnam_r(${parameters})`);

const stringsOctets = 65_536;

/** Calls one of the `…_r` functions and decodes its entry; undefined: there is none. */
function lookUp<Entry>(
  call: ReturnType<typeof libc.func>,
  type: TypeObject,
  name: string,
): Promise<Entry | undefined> {
  if (name.includes('\0')) return Promise.resolve(undefined);
  const { promise, resolve, reject } = Promise.withResolvers<Entry | undefined>();
  const entry = Buffer.alloc(koffi.sizeof(type));
  const strings = Buffer.alloc(stringsOctets);
  const found = Buffer.alloc(8);
  call.async(
    Buffer.from(name, 'latin1').toString('utf8'),
    entry,
    strings,
    stringsOctets,
    found,
    (error: unknown, code: number) => {
      // The buffers are used here, so koffi's call kept valid ones.
      if (error) reject(error instanceof Error ? error : new Error(String(error)));
      else if (code === 0)
        resolve(found.readBigUInt64LE() === 0n ? undefined : (koffi.decode(entry, type) as Entry));
      else if (code === 2 || code === 3) resolve(undefined);
      else reject(new AuthError('temporary', `looking up the user ${name} failed: error ${code}`));
      strings.fill(0);
    },
  );
  return promise;
}

/** @throws {AuthError} temporary: the name service does not answer */
export async function findSystemAccount(name: string): Promise<SystemAccount | undefined> {
  const entry = await lookUp<SystemAccount>(getpwnam, passwd, name);
  if (!entry) return undefined;
  const text = (value: string | null) => toOctets(value ?? '');
  return {
    name: text(entry.name),
    password: text(entry.password),
    uid: entry.uid,
    gid: entry.gid,
    gecos: text(entry.gecos),
    home: text(entry.home),
    shell: text(entry.shell),
  };
}

/** undefined when there is none or this process may not read it. */
export async function findShadowEntry(name: string): Promise<ShadowEntry | undefined> {
  const entry = await lookUp<{ password: string; lastChange: number; maxDays: number; expires: number }>(
    getspnam,
    shadow,
    name,
  ).catch((error: unknown) => {
    // EACCES, for processes without privileges.
    if (error instanceof AuthError) return undefined;
    throw error;
  });
  if (!entry) return undefined;
  const days = (value: number) => (value < 0 ? undefined : value);
  return {
    password: toOctets(entry.password ?? ''),
    lastChange: days(entry.lastChange),
    maxDays: days(entry.maxDays),
    expires: days(entry.expires),
  };
}

/** The id of a group, by number or name. */
export async function findGroupId(name: string): Promise<number | undefined> {
  if (/^\d+$/.test(name)) return Number(name);
  return (await lookUp<{ gid: number }>(getgrnam, group, name))?.gid;
}
