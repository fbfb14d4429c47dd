/**
 * `authuserdb` (authlib §4). Where `makeuserdb` has made an index, that is read, and text edits need `makeuserdb`,
 * as with Courier; otherwise the text itself, again whenever a file of it changes. What cannot be read leaves the
 * last good version in force.
 */
import { existsSync, statSync } from 'node:fs';
import type { EnumeratedAccount } from '../account-record.ts';
import { AuthError, errorText } from '../auth-error.ts';
import { hmacHashes, makeCramSecret } from '../cram.ts';
import { withFileLock } from '../file-lock.ts';
import { equalOctets } from '../schemes/compare.ts';
import { type AccountSource, type StoredAccount, storedModule } from '../stored-module.ts';
import type { AuthModule, ModuleContext, PasswordChange } from './module.ts';
import { setUserdbFields } from './userdb-edit.ts';
import { openUserdbIndex, type UserdbIndex } from './userdb-index.ts';
import { makeUserdbIndex } from './userdb-index-writer.ts';
import { readUserdb, userdbField, userdbFiles } from './userdb-text.ts';

export interface UserdbSettings {
  /** `<config dir>/userdb` */
  readonly path: string;
  /** A text that took longer to read (default 250) is read again while the old version answers. */
  readonly slowMs?: number;
}

/** More files than this are looked at once a second only, not at each request. */
const cheapToStat = 32;

/** Where `makeuserdb` puts the index of a userdb. */
export const indexOf = (path: string): string => `${path.replace(/\/+$/, '')}.index`;

/** Records by name, wherever they come from. */
interface Records {
  /** All fields, `field=value|…`, the secret ones (named `…pw`) included. */
  get(name: string): string | undefined;
  entries(): Iterable<[name: string, fields: string]>;
  close(): void;
}

interface Loaded {
  readonly records: Records;
  /** Changes when a file does. */
  readonly stamp: string;
}

async function loadText(path: string): Promise<Records> {
  const records = new Map<string, string>();
  await readUserdb(userdbFiles(path), (name, fields) => {
    if (records.has(name)) {
      throw new AuthError('temporary', `Cannot store record for ${name} - duplicate or out of disk space.`);
    }
    records.set(name, fields);
  });
  return { get: (name) => records.get(name), entries: () => records, close() {} };
}

function indexRecords(index: UserdbIndex): Records {
  return { get: (name) => index.get(name), entries: () => index.entries(), close: () => index.close() };
}

/** What changes when the files do, without reading them. */
function currentStamp(path: string): { stamp: string; files: number; indexed: boolean } {
  const index = statSync(indexOf(path), { throwIfNoEntry: false });
  if (index) return { stamp: `index ${index.ino} ${index.mtimeMs} ${index.size}`, files: 1, indexed: true };
  const files = userdbFiles(path);
  const stamps = files.map(({ path: file, stats }) => `${file} ${stats.ino} ${stats.mtimeMs} ${stats.size}`);
  return { stamp: stamps.join('\n'), files: files.length, indexed: false };
}

export function createUserdbModule(settings: UserdbSettings, context: ModuleContext): AuthModule {
  const { path, slowMs = 250 } = settings;
  let loaded: Loaded | undefined;
  let loading: Promise<Loaded> | undefined;
  let refusedStamp: string | undefined;
  let files = 0;
  let nextLook = 0;
  let loadMs = 0;

  async function load(stamp: string, indexed: boolean): Promise<Loaded> {
    const begun = performance.now();
    try {
      const records = indexed ? indexRecords(openUserdbIndex(indexOf(path))) : await loadText(path);
      loadMs = performance.now() - begun;
      loaded?.records.close();
      loaded = { records, stamp };
    } catch (error) {
      refusedStamp = stamp;
      context.log.error(errorText(error));
      if (!loaded) throw error;
      context.log.warn('userdb: keeping the last good version');
    }
    return loaded;
  }

  /** The records in force, without waiting where nothing changed. */
  function current(): Records | Promise<Records> {
    if (loading !== undefined) return inForce(loading);
    if (loaded && files > cheapToStat && performance.now() < nextLook) return loaded.records;
    let now: ReturnType<typeof currentStamp>;
    try {
      now = currentStamp(path);
    } catch (error) {
      const stamp = errorText(error);
      if (stamp !== refusedStamp) context.log.error(stamp);
      refusedStamp = stamp;
      if (!loaded) throw error;
      return loaded.records;
    }
    files = now.files;
    nextLook = performance.now() + 1000;
    if (loaded && (now.stamp === loaded.stamp || now.stamp === refusedStamp)) return loaded.records;
    const started = load(now.stamp, now.indexed);
    const finished = () => {
      loading = undefined;
    };
    loading = started;
    started.then(finished, finished);
    return inForce(started);
  }

  function inForce(started: Promise<Loaded>): Records | Promise<Records> {
    return loaded && loadMs > slowMs ? loaded.records : started.then(({ records }) => records);
  }

  /** Resolves when what is in the files now is in force. */
  async function settled(): Promise<void> {
    await loading;
    nextLook = 0;
    void current();
    await loading;
  }

  async function* enumerate(): AsyncGenerator<EnumeratedAccount> {
    for (const [address, fields] of (await current()).entries()) {
      const account = readAccount(address, fields);
      if (account) yield { ...account, uid: account.uid! };
    }
  }

  const source: AccountSource = {
    name: 'authuserdb',
    find(userId, service) {
      context.trace(`userdb: looking up '${userId}'`);
      const read = (records: Records) => {
        const fields = records.get(userId);
        if (fields === undefined) context.trace('userdb: entry not found');
        return fields === undefined ? undefined : readStored(userId, service, fields, context);
      };
      const records = current();
      return records instanceof Promise ? records.then(read) : read(records);
    },
    enumerate,
    async close() {
      loaded?.records.close();
    },
  };
  return {
    ...storedModule(source, context),
    async changePassword(request) {
      const changed = await change(request, path, current, context);
      if (changed) await settled();
      return changed;
    },
  };
}

function readAccount(address: string, fields: string) {
  const number = (name: string) => {
    const value = userdbField(fields, name);
    return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
  };
  const [home, uid, gid] = [userdbField(fields, 'home'), number('uid'), number('gid')];
  if (home === undefined || uid === undefined || gid === undefined) return undefined;
  return {
    address,
    uid,
    gid,
    home,
    fullName: userdbField(fields, 'gecos'),
    maildir: userdbField(fields, 'mail'),
    quota: userdbField(fields, 'quota'),
    options: userdbField(fields, 'options'),
  };
}

function readStored(
  userId: string,
  service: string,
  fields: string,
  context: ModuleContext,
): StoredAccount | undefined {
  const account = readAccount(userId, fields);
  if (!account) {
    context.log.error(`userdb: ${userId} lacks home, uid or gid`);
    return undefined;
  }
  const own = userdbField(fields, `${service}pw`);
  const crypt = own ?? userdbField(fields, 'systempw');
  if (crypt !== undefined)
    context.trace(`found ${own === undefined ? 'systempw' : `${service}pw`} in userdbshadow`);
  const secret = (hash: string) =>
    userdbField(fields, `${service}-hmac-${hash}pw`) ?? userdbField(fields, `hmac-${hash}pw`) ?? '';
  return { account, crypt, secrets: { md5: secret('md5'), sha1: secret('sha1'), sha256: secret('sha256') } };
}

/** authlib §4.4: the hash and the matching CRAM secrets; secrets of another password stay. */
async function change(
  request: PasswordChange,
  path: string,
  current: () => Records | Promise<Records>,
  { passwords }: ModuleContext,
): Promise<boolean> {
  const { userId, service, oldPassword, newPassword } = request;
  if (/[\x00-\x1f|="'/]/.test(userId)) return false;
  if ([service, oldPassword, newPassword].some((text) => /[\x00-\x1f|="']/.test(text))) return false;
  const fields = (await current()).get(userId);
  if (fields === undefined) return false;
  const changes = new Map<string, string>();
  const name = userdbField(fields, `${service}pw`) === undefined ? 'systempw' : `${service}pw`;
  const stored = userdbField(fields, name);
  if (stored && (await passwords.verify(stored, oldPassword))) {
    changes.set(name, await passwords.hash(newPassword, stored));
  }
  for (const hash of hmacHashes) {
    for (const secretName of [`${service}-hmac-${hash}pw`, `hmac-${hash}pw`]) {
      const secret = userdbField(fields, secretName);
      if (secret === undefined || !equalOctets(secret, makeCramSecret(hash, oldPassword))) continue;
      changes.set(secretName, makeCramSecret(hash, newPassword));
    }
  }
  if (changes.size === 0) return false;
  await setUserdbFields(path, userId, changes);
  if (existsSync(indexOf(path))) {
    await withFileLock(`${path}.lock`, () => makeUserdbIndex(path, indexOf(path)));
  }
  return true;
}
