/** Commands of a client that has logged in (smap §4, §5). */
import type { Mailboxes } from '../access/mailboxes.ts';
import type { OpenMailbox } from '../access/open-mailbox.ts';
import { requireRight } from '../access/rights.ts';
import { flag } from '../store/flags.ts';
import {
  decodeFolderWord,
  encodeFolderWord,
  expungeLines,
  quoteWord,
  splitWords,
  takeSet,
} from './framing.ts';

export interface SmapState {
  readonly mailboxes: Mailboxes;
  open:
    | { mailbox: OpenMailbox; uids: Uint32Array; count: number; modseq: number; own: Map<number, number> }
    | undefined;
}

/** Sends one line, without its end. */
type Say = (line: string) => void;
type Run = (state: SmapState, words: string[], say: Say) => string | Promise<string>;

const syntaxError = '-ERR Syntax error.';
const bits = [
  ['DRAFT', flag.draft],
  ['MARKED', flag.flagged],
  ['REPLIED', flag.answered],
  ['SEEN', flag.seen],
  ['DELETED', flag.deleted],
] as const;

/** Texts in front of the reason where a command fails. */
export const failurePrefix: Readonly<Record<string, string>> = {
  STATUS: 'Cannot read folder status: ',
  CREATE: 'Cannot create folder: ',
  DELETE: 'Cannot delete folder: ',
  RENAME: 'RENAME failed: ',
  OPEN: 'Cannot open the folder: ',
  STORE: 'Cannot update folder status: ',
  COPY: 'Cannot copy messages: ',
  MOVE: 'Cannot copy messages: ',
};

const flagsProperty = /^([+-]?)FLAGS=(.*)$/i;

const commands: Readonly<Record<string, Run>> = {
  async LIST({ mailboxes }, words, say) {
    if (words.length === 0) {
      say('* LIST "INBOX" "New Mail" FOLDER');
      say('* LIST "INBOX" "Folders" DIRECTORY');
      say('* LIST "public" "Public Folders" DIRECTORY');
      return '+OK LIST completed';
    }
    const parent = nameOf(words);
    if (parent === undefined) return '+OK LIST completed';
    const literal = parent.replace(/[*%]/g, '%');
    for (const entry of await mailboxes.list('', [`${literal}.%`])) {
      if (!entry.name.startsWith(`${parent}.`)) continue;
      const word = quoteWord(decodeFolderWord(entry.name.slice(parent.length + 1)));
      say(
        `* LIST ${word} ${word}${entry.selectable ? ' FOLDER' : ''}${entry.hasChildren ? ' DIRECTORY' : ''}`,
      );
    }
    return '+OK LIST completed';
  },
  async STATUS({ mailboxes }, [, ...path], say) {
    const { messages, unseen } = await mailboxes.status(nameOf(path) ?? '');
    say(`* STATUS EXISTS=${messages} UNSEEN=${unseen}`);
    return '+OK Folder status retrieved';
  },
  async CREATE({ mailboxes }, path) {
    await mailboxes.create(nameOf(path) ?? '');
    return '+OK Folder created';
  },
  async DELETE({ mailboxes, open }, path) {
    const name = nameOf(path) ?? '';
    if (name === 'INBOX') return '-ERR INBOX may not be deleted';
    if (open?.mailbox.name === name) return '-ERR Cannot DELETE currently open folder.';
    await mailboxes.delete(name);
    return '+OK Folder deleted';
  },
  async RENAME({ mailboxes, open }, words) {
    const middle = words.indexOf('');
    const from = nameOf(words.slice(0, middle)) ?? '';
    const to = nameOf(words.slice(middle + 1)) ?? '';
    if (middle < 0 || to === '') return '-ERR Invalid argument';
    if (open && `${open.mailbox.name}.`.startsWith(`${from}.`))
      return "-ERR Can't RENAME the currently-open folder";
    await mailboxes.rename(from, to);
    return '+OK Folder renamed.';
  },
  async OPEN(state, path, say) {
    closeFolder(state);
    const name = nameOf(path);
    if (name === undefined) return '-ERR Invalid folder: Invalid argument';
    const mailbox = await state.mailboxes.open(name, 'r');
    const { uids, count, highestModseq: modseq } = mailbox.folder;
    state.open = { mailbox, uids, count, modseq, own: new Map() };
    say(`* EXISTS ${count}`);
    return '+OK Folder opened';
  },
  CLOSE(state) {
    closeFolder(state);
    return '+OK Folder closed';
  },
  async NOOP(state, _words, say) {
    await tellChanges(state, say);
    return '+OK Folder updated';
  },
  async EXPUNGE(state, words, say) {
    const { open } = state;
    const set = takeSet(words);
    if (!open || !set || set.rest.length > 0) return syntaxError;
    const chosen = uidsOf(open, set.ranges);
    if (set.ranges.length > 0) requireRight(open.mailbox.rights, 't', open.mailbox.name);
    const marked = Array.from(open.uids.subarray(0, open.count)).filter((uid) => {
      const row = open.mailbox.folder.rowOf(uid);
      return row >= 0 && (open.mailbox.folder.flags[row]! & flag.deleted) !== 0;
    });
    if (set.ranges.length > 0) await open.mailbox.expunge(chosen.map(([, uid]) => uid));
    else await open.mailbox.expunge(marked);
    await tellChanges(state, say);
    return '+OK Folder updated';
  },
  FETCH({ open }, words, say) {
    const set = takeSet(words);
    if (!open || !set) return syntaxError;
    const wanted = new Set(set.rest.map((word) => word.toUpperCase()));
    if ([...wanted].some((word) => word !== 'FLAGS' && word !== 'UID')) return '-ERR Not available.';
    const { folder } = open.mailbox;
    for (const [number, uid] of uidsOf(open, set.ranges)) {
      const row = folder.rowOf(uid);
      if (row < 0) continue;
      const attributes = [
        wanted.has('FLAGS') && `FLAGS=${flagsOf(folder.flags[row]!)}`,
        wanted.has('UID') && quoteWord(`UID=${folder.baseName(row)}`),
      ].filter((text) => text !== false);
      if (attributes.length > 0) say(`* FETCH ${number} ${attributes.join(' ')}`);
    }
    return '+OK Message retrieved.';
  },
  async STORE({ open }, words, say) {
    const set = takeSet(words);
    if (!open || !set) return syntaxError;
    const { mailbox } = open;
    // Before the first change: what is not understood must not be answered with success.
    if (!set.rest.every((property) => flagsProperty.test(property))) return '-ERR Not available.';
    const chosen = uidsOf(open, set.ranges);
    for (const property of set.rest) {
      const [, sign, list = ''] = flagsProperty.exec(property)!;
      const names = list.toUpperCase().split(',');
      const flags = bits.reduce((sum, [name, bit]) => (names.includes(name) ? sum | bit : sum), 0);
      const uids = chosen.map(([, uid]) => uid);
      if (sign === '') {
        const rest = { mode: 'remove', flags: 31 & ~flags, keywords: [] } as const;
        await mailbox.storeFlags(uids, rest);
      }
      await mailbox.storeFlags(uids, { mode: sign === '-' ? 'remove' : 'add', flags, keywords: [] });
      for (const [number, uid] of chosen) {
        const row = mailbox.folder.rowOf(uid);
        if (row < 0) continue;
        open.own.set(uid, mailbox.folder.modseqs[row]!);
        say(`* FETCH ${number} FLAGS=${flagsOf(mailbox.folder.flags[row]!)}`);
      }
    }
    return '+OK Folder status updated';
  },
  COPY: (state, words, say) => copy(state, words, say, false),
  MOVE: (state, words, say) => copy(state, words, say, true),
};

async function copy(state: SmapState, words: string[], say: Say, moves: boolean): Promise<string> {
  const { open } = state;
  const set = takeSet(words);
  if (!open || !set || set.ranges.length === 0 || set.rest[0] !== '') return syntaxError;
  const target = await state.mailboxes.open(nameOf(set.rest.slice(1)) ?? '', 'i');
  try {
    const chosen = uidsOf(open, set.ranges);
    const uids = chosen.map(([, uid]) => uid);
    const { pairs } = await (moves ? open.mailbox.moveTo(target, uids) : open.mailbox.copyTo(target, uids));
    const copies = new Map(pairs);
    for (const [number, uid] of chosen) {
      const row = target.folder.rowOf(copies.get(uid) ?? 0);
      if (row >= 0) say(`* COPY ${number} ${quoteWord(`NEWUID=${target.folder.baseName(row)}`)}`);
    }
    if (moves) await tellChanges(state, say);
    return '+OK Messages copied.';
  } finally {
    target.close();
  }
}

/** Runs one line; the status line. @throws {MailError} */
export function runCommand(state: SmapState, line: string, say: Say): string | Promise<string> {
  const [verb = '', ...words] = splitWords(line);
  const run = Object.hasOwn(commands, verb.toUpperCase()) ? commands[verb.toUpperCase()] : undefined;
  return run ? run(state, words, say) : syntaxError;
}

export function closeFolder(state: SmapState): void {
  state.open?.mailbox.close();
  state.open = undefined;
}

/** The folder a path of words names; undefined: there cannot be one. */
function nameOf(words: readonly string[]): string | undefined {
  const end = words.indexOf('');
  const [top, ...below] = end < 0 ? words : words.slice(0, end);
  const root = top === 'INBOX' ? 'INBOX' : top === 'public' && below.length > 0 ? '#shared' : undefined;
  return root && [root, ...below.map(encodeFolderWord)].join('.');
}

function flagsOf(value: number): string {
  return bits
    .filter(([, bit]) => (value & bit) !== 0)
    .map(([name]) => name)
    .join(',');
}

function uidsOf(
  open: NonNullable<SmapState['open']>,
  ranges: readonly [number, number][],
): [number, number][] {
  const chosen: [number, number][] = [];
  for (const [first, last] of ranges)
    for (let n = first; n <= Math.min(last, open.count); n++) chosen.push([n, open.uids[n - 1]!]);
  return chosen;
}

/** EXPUNGE, then EXISTS, then FETCH (smap §5.4). */
async function tellChanges(state: SmapState, say: Say): Promise<void> {
  const { open } = state;
  if (!open) return;
  const { folder } = open.mailbox;
  await folder.refresh();
  const gone: number[] = [];
  const known = new Map<number, number>();
  for (let i = 0; i < open.count; i++) {
    const uid = open.uids[i]!;
    if (folder.rowOf(uid) < 0) gone.push(i + 1);
    else known.set(uid, i + 1 - gone.length);
  }
  expungeLines(gone).forEach(say);
  if (folder.count > known.size) say(`* EXISTS ${folder.count}`);
  for (const row of folder.changesSince(open.modseq)) {
    const number = known.get(folder.uids[row]!);
    const isOwn = open.own.get(folder.uids[row]!) === folder.modseqs[row];
    if (number !== undefined && !isOwn) say(`* FETCH ${number} FLAGS=${flagsOf(folder.flags[row]!)}`);
  }
  open.uids = folder.uids;
  open.count = folder.count;
  open.modseq = folder.highestModseq;
  open.own.clear();
}
