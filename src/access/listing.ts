/** LIST and LSUB over names, without looking at a disk. Names are spelt as the client spells them. */
import { parentsOf } from '../store/names.ts';

/** One line of LIST; the name is '' in the answer to an empty pattern. */
export interface ListEntry {
  readonly name: string;
  /** False: \Noselect, a missing parent, or a subscribed name without a folder. */
  readonly selectable: boolean;
  /** undefined: neither \HasChildren nor \HasNoChildren is to be said. */
  readonly hasChildren: boolean | undefined;
  readonly subscribed: boolean;
  /** CHILDINFO ("SUBSCRIBED"): there are subscribed names below that the pattern did not find. */
  readonly childSubscribed: boolean;
  /** \Marked or \Unmarked; undefined, as it is made here: neither. */
  marked: boolean | undefined;
  /** `\Sent`, `\Drafts`, `\Trash`, `\Junk` or `\Archive`; undefined as it is made here. */
  specialUse: string | undefined;
}

type Names = ReadonlySet<string> | ReadonlyMap<string, unknown>;

/**
 * LIST without selection options: folders, and parents that are none (imap-server §7.1).
 * @param groups  names that have something below them, but are no folders
 */
export function listFolders(
  folders: Names,
  groups: ReadonlySet<string>,
  subscribed: Names,
  matches: (name: string) => boolean,
): ListEntry[] {
  const above = allParents(folders.keys());
  for (const group of groups) above.add(group);
  return inOrder(withMissing(folders, above).filter(matches)).map((name) =>
    entryOf(name, folders.has(name), above.has(name), subscribed.has(name), false),
  );
}

/** LSUB: subscribed names, existing or not, and their parents; what is below a name is told from these names alone. */
export function listSubscribed(subscribed: Names, matches: (name: string) => boolean): ListEntry[] {
  const above = allParents(subscribed.keys());
  return inOrder(withMissing(subscribed, above).filter(matches)).map((name) =>
    entryOf(name, subscribed.has(name), above.has(name), subscribed.has(name), false),
  );
}

/**
 * LIST (SUBSCRIBED) and LIST (SUBSCRIBED RECURSIVEMATCH) (RFC 5258 §3).
 * @param recursive  also names that match and have subscribed names below them that do not
 */
export function listSelected(
  folders: Names,
  subscribed: Names,
  recursive: boolean,
  matches: (name: string) => boolean,
): ListEntry[] {
  const above = allParents(folders.keys());
  const missed = [...subscribed.keys()].filter((name) => !matches(name));
  const aboveMissed = recursive ? allParents(missed) : new Set<string>();
  return inOrder(withMissing(subscribed, aboveMissed).filter(matches)).map((name) =>
    entryOf(name, folders.has(name), above.has(name), subscribed.has(name), aboveMissed.has(name)),
  );
}

function entryOf(
  name: string,
  selectable: boolean,
  hasChildren: boolean,
  subscribed: boolean,
  childSubscribed: boolean,
): ListEntry {
  const [marked, specialUse] = [undefined, undefined];
  return { name, selectable, hasChildren, subscribed, childSubscribed, marked, specialUse };
}

/** All names, and those above that are not among them. */
function withMissing(names: Names, above: ReadonlySet<string>): string[] {
  const all = [...names.keys()];
  for (const name of above) if (!names.has(name)) all.push(name);
  return all;
}

function allParents(names: Iterable<string>): Set<string> {
  const parents = new Set<string>();
  let last = '';
  for (const name of names) {
    // The next name is a sibling, nearly always.
    if (name.lastIndexOf('.') === last.length && name.startsWith(last)) continue;
    for (const parent of parentsOf(name)) {
      if (parents.has(parent)) break;
      parents.add(parent);
    }
    last = name.slice(0, Math.max(0, name.lastIndexOf('.')));
  }
  return parents;
}

function inOrder(names: string[]): string[] {
  const sorted = names.sort((one, other) => (one < other ? -1 : 1));
  const inbox = sorted.indexOf('INBOX');
  if (inbox > 0) sorted.unshift(...sorted.splice(inbox, 1));
  return sorted;
}
