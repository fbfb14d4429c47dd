/** From names to folders of accounts, and the rights there. */
import { type Stats, statSync } from 'node:fs';
import { MailError } from '../base/mail-error.ts';
import { type OctetPath, octetPath } from '../base/paths.ts';
import { type Account, openAccount } from '../store/account.ts';
import { errorCode } from '../store/errno.ts';
import { isFolderName } from '../store/names.ts';
import { type Acl, type Identity, rightsOf, rightsWithoutAcls } from './acl.ts';
import { aclFilesOf } from './acl-files.ts';
import { type Prefix, toCanonical, toClient } from './client-names.ts';
import { needed, type Rights } from './rights.ts';
import { isReachable, isWritable, type SharableFolder, Sharables } from './sharable.ts';
import { type SharedAccount, type SharedIndex, type SharedSettings, sharedIndex } from './shared-index.ts';

export const sharedPrefix = '#shared.';

/** A mailbox name that made sense: which folder of which account. */
export interface Target {
  /** Canonical: `INBOX`, `INBOX.Sent`, `#shared.bob.Sent`. Equal strings are the same mailbox. */
  readonly name: string;
  readonly account: Account;
  /** The folder's name within its account: `INBOX.Sent`. */
  readonly folder: string;
  /** Of names in `shared.`: the folder in a sharable maildir; `undefined` for names above those. */
  readonly sharable?: SharableFolder | undefined;
}

/** What one who has logged in can name. */
export class Targets {
  readonly account: Account;
  readonly prefix: Prefix;
  readonly identity: Identity;
  /** undefined: nothing is shared. */
  readonly index: SharedIndex | undefined;
  readonly sharables: Sharables;
  /** What lists come to for this user, in his own folders and in others'. */
  readonly #ownRights = new WeakMap<Acl, Rights>();
  readonly #othersRights = new WeakMap<Acl, Rights>();

  constructor(account: Account, prefix: Prefix, identity: Identity, shared: SharedSettings | undefined) {
    this.account = account;
    this.prefix = prefix;
    this.identity = identity;
    this.sharables = new Sharables(account, shared?.sharableFile ?? '');
    if (shared && shared.indexFile !== '' && !identity.aclsDisabled) {
      this.index = sharedIndex(shared, identity.sharedGroup ?? '', account.settings.log);
    }
  }

  /** @throws {MailError} invalidName; whether there is anything of that name is not looked at */
  canonical(name: string): string {
    if (!name.startsWith(sharedPrefix) && !isSharableName(name)) return toCanonical(name, this.prefix);
    if (!isFolderName(`INBOX.${name}`)) throw new MailError('invalidName', 'Invalid mailbox name.');
    return name;
  }

  clientName(canonical: string): string {
    return isSharableName(canonical) ? canonical : toClient(canonical, this.prefix);
  }

  /** @throws {MailError} invalidName; notFound: there is no such account, but the folder need not exist */
  find(name: string): Target {
    const canonical = this.canonical(name);
    if (isSharableName(canonical)) {
      const sharable = this.sharables.find(canonical);
      return { name: canonical, account: this.account, folder: canonical, sharable };
    }
    if (!canonical.startsWith(sharedPrefix)) {
      this.account.directoryOf(canonical);
      return { name: canonical, account: this.account, folder: canonical };
    }
    let index = this.index;
    const path: string[] = [];
    const components = canonical.slice(sharedPrefix.length).split('.');
    for (const [i, component] of components.entries()) {
      const record = index?.find(component);
      if (record === undefined) break;
      path.push(record.name);
      if (record.kind === 'group') {
        index = record.index;
        continue;
      }
      const account = this.sharedAccount(record);
      if (account === undefined) break;
      const rest = components.slice(i + 1);
      const folder = ['INBOX', ...rest].join('.');
      account.directoryOf(folder);
      return { name: `${sharedPrefix}${[...path, ...rest].join('.')}`, account, folder };
    }
    throw new MailError('notFound', 'no such mailbox');
  }

  /** A shared name with its groups and its account spelt as in the index; what is not there stays. */
  sharedSpelling(name: string): string {
    if (!name.startsWith(sharedPrefix)) return name;
    let index = this.index;
    const components = name.slice(sharedPrefix.length).split('.');
    for (const [i, component] of components.entries()) {
      const record = index?.find(component);
      if (record === undefined) break;
      components[i] = record.name;
      index = record.kind === 'group' ? record.index : undefined;
    }
    return sharedPrefix + components.join('.');
  }

  /** The account of a record; undefined if its maildir cannot be reached, or is the user's own. */
  sharedAccount(record: SharedAccount): Account | undefined {
    const theirs = statPath(record.path);
    const own = statPath(octetPath(this.account.maildir));
    if (theirs === undefined || (theirs.dev === own?.dev && theirs.ino === own.ino)) return undefined;
    return openAccount(record.maildir, this.account.settings);
  }

  isOwn(target: Target): boolean {
    return target.account === this.account && !('sharable' in target);
  }

  /** The login id of a mailbox's owner; of shared ones it is nobody's here. */
  ownerOf(target: Target): string | undefined {
    return this.isOwn(target) && this.identity.login !== '' ? this.identity.login : undefined;
  }

  acl({ account, folder }: Target): Acl | undefined {
    return aclFilesOf(account).effective(folder);
  }

  exists({ account, folder, ...target }: Target): boolean {
    if (!('sharable' in target)) return account.hasFolder(folder);
    return target.sharable !== undefined && isReachable(target.sharable.target);
  }

  rights(target: Target): Rights {
    if ('sharable' in target) return this.#sharableRights(target);
    return this.#rightsIn(this.acl(target), this.isOwn(target));
  }

  /** The rights in folders of an account, for one listing: each list is worked out once. */
  rightsReader(isOwn: boolean): (acl: Acl | undefined) => Rights {
    const known = new Map<Acl | undefined, Rights>();
    return (acl) => {
      const rights = known.get(acl) ?? this.#rightsIn(acl, isOwn);
      known.set(acl, rights);
      return rights;
    };
  }

  /** Where there are no lists, permissions decide (quota-acl-shared §4.3). */
  #sharableRights({ name, sharable }: Target): Rights {
    if (sharable === undefined) return this.#isAboveSharable(name) ? needed.list : '';
    if (!isReachable(sharable.target)) return '';
    return isWritable(sharable.target) ? 'eilrstwx' : 'lrsw';
  }

  #isAboveSharable(name: string): boolean {
    return name === 'shared' || this.sharables.maildirs().has(name.slice('shared.'.length));
  }

  #rightsIn(acl: Acl | undefined, isOwner: boolean): Rights {
    if (isOwner && this.identity.aclsDisabled) return rightsWithoutAcls;
    if (acl === undefined) return '';
    const known = isOwner ? this.#ownRights : this.#othersRights;
    const rights = known.get(acl) ?? rightsOf(acl, this.identity, isOwner);
    known.set(acl, rights);
    return rights;
  }

  /** The target above; undefined above the first folder of an account. */
  parent({ name, account, folder, ...target }: Target): Target | undefined {
    if ('sharable' in target) return name === 'shared' ? undefined : this.find(cutLast(name));
    if (folder === 'INBOX') return undefined;
    return { name: cutLast(name), account, folder: cutLast(folder) };
  }
}

/** undefined: there is nothing, or it cannot be reached. */
export function statPath(path: OctetPath): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return undefined;
  }
}

/** Whether a name is one of the namespace of sharable maildirs. */
export function isSharableName(name: string): boolean {
  return name === 'shared' || name.startsWith('shared.');
}

function cutLast(name: string): string {
  return name.slice(0, name.lastIndexOf('.'));
}
