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
  const listed = [...folders.union(above)].filter(matches).map((name) => ({
    name,
    selectable: folders.has(name),
    hasChildren: above.has(name),
    subscribed: subscribed.has(name),
    childSubscribed: false,
  }));
  return inOrder(listed);
}

/** LSUB: subscribed names, existing or not, and their parents; what is below a name is told from these names alone. */
export function listSubscribed(
  subscribed: ReadonlySet<string>,
  matches: (name: string) => boolean,
): Listed[] {
  const above = allParents(subscribed);
  const listed = [...subscribed.union(above)].filter(matches).map((name) => ({
    name,
    selectable: subscribed.has(name),
    hasChildren: above.has(name),
    subscribed: subscribed.has(name),
    childSubscribed: false,
  }));
  return inOrder(listed);
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
  const listed = [...subscribed.union(aboveMissed)].filter(matches).map((name) => ({
    name,
    selectable: folders.has(name),
    hasChildren: above.has(name),
    subscribed: subscribed.has(name),
    childSubscribed: aboveMissed.has(name),
  }));
  return inOrder(listed);
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

function inOrder(listed: Listed[]): Listed[] {
  return listed.sort((one, other) => rank(one.name) - rank(other.name) || (one.name < other.name ? -1 : 1));
}

function rank(name: string): number {
  return name === 'INBOX' ? 0 : 1;
}
