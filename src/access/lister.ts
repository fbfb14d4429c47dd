/** LIST and LSUB: which names there are for a user, and what is said of them. */
import { MailError } from '../base/mail-error.ts';
import { Slice } from '../store/slices.ts';
import type { VisibleFolder } from './account-view.ts';
import { aclFilesOf } from './acl-files.ts';
import { toClient } from './client-names.ts';
import { compilePattern, joinReference } from './list-pattern.ts';
import { type ListEntry, listFolders, listSelected, listSubscribed } from './listing.ts';
import { hasUnseen } from './marked.ts';
import { needed } from './rights.ts';
import { isSubscribed } from './sharable.ts';
import { SharedLook } from './shared-look.ts';
import { SharedWalk } from './shared-walk.ts';
import { type SpecialUse, specialUses } from './special-use.ts';
import { sharedPrefix, type Targets } from './targets.ts';

export interface ListOptions {
  /** LIST (SUBSCRIBED): subscribed names, existing or not (RFC 5258 §3). */
  readonly subscribed?: boolean;
  /** With `subscribed`: names that match and have a subscribed name below that does not (RFC 5258 §3.5). */
  readonly recursiveMatch?: boolean;
  /** LIST (SPECIAL-USE) (RFC 6154 §5.2). */
  readonly specialUse?: boolean;
}

export interface ListerSettings {
  readonly trashFolder: string;
  readonly checkAllFolders: boolean;
  readonly specialUse: SpecialUse;
}

/** Names as the client spells them. */
interface Visible {
  /** Folders with right l, by name. */
  readonly folders: ReadonlyMap<string, VisibleFolder>;
  /** Groups of accounts. */
  readonly groups: ReadonlySet<string>;
}

export class Lister {
  readonly #targets: Targets;
  readonly #settings: ListerSettings;

  constructor(targets: Targets, settings: ListerSettings) {
    this.#targets = targets;
    this.#settings = settings;
  }

  async list(reference: string, patterns: readonly string[], options: ListOptions): Promise<ListEntry[]> {
    if (patterns.length === 1 && patterns[0] === '') return this.#listReference(reference);
    const joined = patterns.map((pattern) => joinReference(reference, pattern));
    const matches = anyOf(joined);
    const { folders, groups } = await this.#visible(joined);
    const subscribed = await this.#subscribed(joined, folders);
    const listed = options.subscribed
      ? listSelected(folders, subscribed, options.recursiveMatch ?? false, matches)
      : listFolders(folders, groups, subscribed, matches);
    await this.#describe(listed, folders);
    return options.specialUse ? listed.filter((entry) => entry.specialUse !== undefined) : listed;
  }

  async lsub(reference: string, pattern: string): Promise<ListEntry[]> {
    if (pattern === '') return this.#listReference(reference);
    const joined = joinReference(reference, pattern);
    return listSubscribed(await this.#subscribed([joined], new Map()), anyOf([joined]));
  }

  /** What is shared is looked at only for patterns that begin with `#shared.`. */
  async #visible(patterns: readonly string[]): Promise<Visible> {
    const folders = new Map<string, VisibleFolder>();
    const groups = new Set<string>();
    for (const pattern of patterns)
      if (pattern.startsWith(sharedPrefix)) {
        if (this.#targets.index)
          await new SharedWalk(this.#targets, pattern, folders, groups).add(this.#targets.index);
      } else {
        await this.#addOwn(this.#spelling(pattern), folders);
        this.#addSharable(pattern, folders);
      }
    return { folders, groups };
  }

  async #addOwn(spell: (canonical: string) => string, folders: Map<string, VisibleFolder>): Promise<void> {
    const { account } = this.#targets;
    const aclOf = aclFilesOf(account).reader();
    const rightsIn = this.#targets.rightsReader(true);
    for (const { name, directory } of (await account.listFolders()).values())
      if (rightsIn(aclOf(name)).includes(needed.list)) folders.set(spell(name), { name, directory });
  }

  #addSharable(pattern: string, folders: Map<string, VisibleFolder>): void {
    if (!mayBeSharable(pattern)) return;
    for (const { name, links, target } of this.#targets.sharables.folders())
      folders.set(name, { name, directory: isSubscribed(links) ? links : target });
  }

  /** @param visible  names as the client spells them that may be seen for certain */
  async #subscribed(
    patterns: readonly string[],
    visible: ReadonlyMap<string, unknown>,
  ): Promise<Set<string>> {
    const names = new Set<string>();
    const look = new SharedLook(this.#targets);
    const slice = new Slice();
    for (const pattern of patterns) {
      const isShared = pattern.startsWith('#');
      const spell = this.#spelling(pattern);
      if (mayBeSharable(pattern)) for (const name of this.#targets.sharables.subscribed()) names.add(name);
      for (const line of this.#targets.account.subscriptions()) {
        if (line.startsWith('#') !== isShared) continue;
        if (slice.isOver()) await slice.next();
        const seen = isShared ? visible.has(line) || look.sees(line) : undefined;
        const isSeen = seen instanceof Promise ? await seen : seen;
        if (isSeen === false) continue;
        const name = isSeen === true ? line : this.#visibleName(line);
        if (name !== undefined) names.add(spell(name));
      }
    }
    return names;
  }

  /** The canonical name of a subscription; undefined if it is no name of ours or may not be looked up. */
  #visibleName(line: string): string | undefined {
    if (!/^(?:#|inbox(?:\.|$))/i.test(line)) return undefined;
    try {
      const target = this.#targets.find(line);
      return this.#targets.rights(target).includes(needed.list) ? target.name : undefined;
    } catch (error) {
      if (!(error instanceof MailError)) throw error;
      return undefined;
    }
  }

  /** A client that asks for `INBOX.%` although the prefix is '' gets the names it asked for. */
  #spelling(pattern: string): (canonical: string) => string {
    const prefix = /^inbox\./i.test(pattern) ? 'INBOX.' : this.#targets.prefix;
    return (canonical) => toClient(canonical, prefix);
  }

  async #describe(listed: readonly ListEntry[], folders: ReadonlyMap<string, VisibleFolder>): Promise<void> {
    const { specialUse, trashFolder, checkAllFolders } = this.#settings;
    const own = new Set<string>();
    for (const { name } of folders.values()) if (name.startsWith('INBOX')) own.add(name);
    if (own.size === 0 && !checkAllFolders) return;
    const uses = specialUses(specialUse, trashFolder, (name) => own.has(name));
    for (const entry of listed) {
      const folder = folders.get(entry.name);
      if (folder === undefined) continue;
      if (checkAllFolders || folder.name === 'INBOX') entry.marked = await hasUnseen(folder.directory);
      entry.specialUse = uses.get(folder.name);
    }
  }

  /** `LIST ref ""`: the attributes of the reference with an empty name (imap-server §7.1). */
  async #listReference(reference: string): Promise<ListEntry[]> {
    const name = reference.replace(/\.$/, '');
    const found = name === '' ? undefined : (await this.list('', [name.replace(/[*%]/g, '')], {}))[0];
    const nothing = { selectable: false, hasChildren: undefined, subscribed: false, childSubscribed: false };
    const isShared = reference.startsWith(sharedPrefix);
    return [
      { ...nothing, marked: undefined, specialUse: undefined, ...found, name: isShared ? sharedPrefix : '' },
    ];
  }
}

/** Whether a pattern can match a name in `shared.`. */
function mayBeSharable(pattern: string): boolean {
  const literal = /^[^*%]*/.exec(pattern)![0];
  return 'shared.'.startsWith(literal) || literal.startsWith('shared.');
}

function anyOf(patterns: readonly string[]): (name: string) => boolean {
  const tests = patterns.map(compilePattern);
  return (name) => tests.some((test) => test(name));
}
