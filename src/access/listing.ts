/** LIST and LSUB over names, without looking at a disk. Names are spelt as the client spells them. */
import { parentsOf } from '../store/names.ts';

/** What is known of one name before a pattern is applied. */
export interface Listed {
  readonly name: string;
  /** False: \Noselect, a missing parent, or a subscribed name without a folder. */
  readonly selectable: boolean;
  /** undefined: neither \HasChildren nor \HasNoChildren is to be said. */
  readonly hasChildren: boolean | undefined;
  readonly subscribed: boolean;
  /** CHILDINFO ("SUBSCRIBED"): there are subscribed names below that the pattern did not find. */
  readonly childSubscribed: boolean;
}

/**
 * LIST without selection options: folders, and parents that are none (imap-server §7.1).
 * @param groups  names that have something below them, but are no folders
 */
export function listFolders(
  folders: ReadonlySet<string>,
  groups: ReadonlySet<string>,
  subscribed: ReadonlySet<string>,
  matches: (name: string) => boolean,
): Listed[] {
  const above = allParents(folders).union(groups);
  return inOrder(folders.union(above).values().filter(matches)).map((name) => ({
    name,
    selectable: folders.has(name),
    hasChildren: above.has(name),
    subscribed: subscribed.has(name),
    childSubscribed: false,
  }));
}

/** LSUB: subscribed names, existing or not, and their parents; what is below a name is told from these names alone. */
export function listSubscribed(
  subscribed: ReadonlySet<string>,
  matches: (name: string) => boolean,
): Listed[] {
  const above = allParents(subscribed);
  return inOrder(subscribed.union(above).values().filter(matches)).map((name) => ({
    name,
    selectable: subscribed.has(name),
    hasChildren: above.has(name),
    subscribed: subscribed.has(name),
    childSubscribed: false,
  }));
}

/**
 * LIST (SUBSCRIBED) and LIST (SUBSCRIBED RECURSIVEMATCH) (RFC 5258 §3).
 * @param recursive  also names that match and have subscribed names below them that do not
 */
export function listSelected(
  folders: ReadonlySet<string>,
  subscribed: ReadonlySet<string>,
  recursive: boolean,
  matches: (name: string) => boolean,
): Listed[] {
  const above = allParents(folders);
  const missed = [...subscribed].filter((name) => !matches(name));
  const aboveMissed = recursive ? allParents(new Set(missed)) : new Set<string>();
  return inOrder(subscribed.union(aboveMissed).values().filter(matches)).map((name) => ({
    name,
    selectable: folders.has(name),
    hasChildren: above.has(name),
    subscribed: subscribed.has(name),
    childSubscribed: aboveMissed.has(name),
  }));
}

function allParents(names: ReadonlySet<string>): Set<string> {
  const parents = new Set<string>();
  for (const name of names)
    for (const parent of parentsOf(name)) {
      if (parents.has(parent)) break;
      parents.add(parent);
    }
  return parents;
}

function inOrder(names: Iterable<string>): string[] {
  const sorted = [...names].sort((one, other) => (one < other ? -1 : 1));
  const inbox = sorted.indexOf('INBOX');
  if (inbox > 0) sorted.unshift(...sorted.splice(inbox, 1));
  return sorted;
}
