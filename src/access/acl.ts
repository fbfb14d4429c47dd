/** Access control lists: their file format, and what rights they give (quota-acl-shared §2). */
import { MailError } from '../base/mail-error.ts';
import { octetsToText, textToOctets } from '../store/names.ts';
import { allRights, type Rights } from './rights.ts';

export interface AclEntry {
  /** `owner`, `anyone`, `user=bob`, `group=staff`, `administrators`, each also with `-` in front. */
  readonly identifier: string;
  readonly rights: Rights;
}

export type Acl = readonly AclEntry[];

/** Somebody who has logged in. */
export interface Identity {
  /** The canonical login id. */
  readonly login: string;
  /** `group=` options of the account. */
  readonly groups: readonly string[];
  /** The option `disableshared`: ACLs are not looked at, and there is nothing shared. */
  readonly aclsDisabled: boolean;
  /** The option `sharedgroup`: which of the indexes of shared accounts is for this one. */
  readonly sharedGroup?: string;
}

/** What INBOX has where no list was ever made. */
export const defaultAcl: Acl = [
  { identifier: 'owner', rights: allRights },
  { identifier: 'administrators', rights: allRights },
];

/** A change that would leave a mailbox without somebody who can repair it. */
export class AclRefused extends MailError {
  /** Whose rights would not suffice: `owner`, `user=…` or `administrators`. */
  readonly identifier: string;

  constructor(identifier: string) {
    super('cannot', `the rights of ${identifier} would not suffice`);
    this.name = 'AclRefused';
    this.identifier = identifier;
  }
}

/**
 * Reads the file's octets. Courier passes over lines with control characters, tabs or more blanks; a negative entry lost
 * so would give rights.
 * @returns undefined if there are such lines
 */
export function parseAcl(octets: string): Acl | undefined {
  const entries = new Map<string, Rights>();
  for (const line of octets.split('\n')) {
    if (line === '') continue;
    const [, identifier, rights] = /^([^\x00-\x20]+) *([^\x00-\x20]*)$/.exec(line) ?? [];
    if (identifier === undefined) return undefined;
    entries.set(octetsToText(identifier), sortRights(octetsToText(rights!)));
  }
  return [...entries].map(([identifier, rights]) => ({ identifier, rights }));
}

export function formatAcl(acl: Acl): string {
  return acl.map(({ identifier, rights }) => `${textToOctets(identifier)} ${rights}\n`).join('');
}

/** Each letter once, in order. */
export function sortRights(rights: string): Rights {
  return [...new Set(rights)].sort((one, other) => (one < other ? -1 : 1)).join('');
}

/** What a client writes: `d` is e, t and x; `k` is c (RFC 4314 §2.1.1). */
export function readRights(text: string): Rights {
  return sortRights(text.replaceAll('d', 'etx').replaceAll('k', 'c'));
}

/** The list as it counts: administrators always have all rights. */
export function withAdministrators(acl: Acl): Acl {
  const entries = acl.filter(({ identifier }) => !/^-(?:group=)?administrators$/.test(identifier));
  const spelt = entries.some(({ identifier }) => identifier === 'group=administrators')
    ? 'group=administrators'
    : 'administrators';
  const present = entries.find(({ identifier }) => identifier === spelt);
  const rights = sortRights(allRights + (present?.rights ?? ''));
  return present
    ? entries.map((entry) => (entry === present ? { identifier: spelt, rights } : entry))
    : [...entries, { identifier: spelt, rights }];
}

/** Rights of the owner whose own folders have no lists because of `disableshared`. */
export const rightsWithoutAcls: Rights = 'ceilrstwx';

/** What somebody may do: all positive entries together, less all negative ones; an owner may always administer. */
export function rightsOf(acl: Acl, who: Identity, isOwner: boolean): Rights {
  const rights = combine(acl, (identifier) => matches(identifier, who, isOwner));
  return isOwner ? sortRights(`a${rights}`) : rights;
}

/**
 * The combined rights of identifiers as they are written in a list.
 * @param isMeant  whether a positive identifier counts
 */
export function combine(acl: Acl, isMeant: (identifier: string) => boolean): Rights {
  const plus = new Set<string>();
  const minus = new Set<string>();
  for (const { identifier, rights } of acl) {
    const isNegative = identifier.startsWith('-');
    if (!isMeant(isNegative ? identifier.slice(1) : identifier)) continue;
    for (const right of rights) (isNegative ? minus : plus).add(right);
  }
  return sortRights([...plus.difference(minus)].join(''));
}

function matches(identifier: string, { login, groups }: Identity, isOwner: boolean): boolean {
  if (isAnybody(identifier)) return true;
  if (identifier === 'owner') return isOwner;
  if (identifier === 'administrators') return groups.includes('administrators');
  if (identifier.startsWith('user=')) return login !== '' && identifier === `user=${login}`;
  return identifier.startsWith('group=') && groups.includes(identifier.slice(6));
}

/** Identifiers that mean everybody. */
export function isAnybody(identifier: string): boolean {
  return identifier === 'anyone' || identifier === 'anonymous';
}

/** A change of one entry, as SETACL writes it. */
export interface AclChange {
  readonly identifier: string;
  readonly mode: 'replace' | 'add' | 'remove';
  /** Letters that {@link readRights} has read. */
  readonly rights: Rights;
}

/** A list with one entry changed: new ones come last, and what has no rights left goes. */
export function changeAcl(acl: Acl, { identifier, mode, rights }: AclChange): Acl {
  const present = acl.find((entry) => entry.identifier === identifier);
  const before = present?.rights ?? '';
  const after = sortRights(
    mode === 'replace'
      ? rights
      : mode === 'add'
        ? before + rights
        : [...before].filter((right) => !rights.includes(right)).join(''),
  );
  if (after === '') return acl.filter((entry) => entry !== present);
  const changed = { identifier, rights: after };
  return present ? acl.map((entry) => (entry === present ? changed : entry)) : [...acl, changed];
}

/**
 * Refuses lists that cannot be written to the file or that nobody could repair.
 * @param owner  the login id of the mailbox's owner; undefined if that is nobody
 * @throws {AclRefused}
 */
export function checkAcl(acl: Acl, owner: string | undefined): void {
  for (const { identifier, rights } of acl)
    if (
      !/^[^\x00-\x20]+$/.test(identifier) ||
      /[\x00-\x20]/.test(rights) ||
      textToOctets(identifier) === undefined
    )
      throw new AclRefused(identifier);
  const ownerIds = owner === undefined ? ['owner'] : ['owner', `user=${owner}`];
  for (const ids of [['owner'], ownerIds]) {
    const rights = combine(acl, (identifier) => isAnybody(identifier) || ids.includes(identifier));
    if (!hasAll(rights, 'al')) throw new AclRefused(ids.at(-1)!);
  }
  const administrators = combine(
    acl,
    (identifier) => isAnybody(identifier) || /^(?:group=)?administrators$/.test(identifier),
  );
  if (!hasAll(administrators, allRights)) throw new AclRefused('administrators');
}

function hasAll(rights: Rights, wanted: Rights): boolean {
  return [...wanted].every((right) => rights.includes(right));
}
