import { MailError } from '../../base/mail-error.ts';
import { parseDate } from '../../message/date.ts';
import type { FlagChange } from '../../store/folder.ts';
import { Slice } from '../../store/slices.ts';
import { numberedUids, readSet } from '../message-set.ts';
import { flagsText, keywordsText, readFlags, readKeywords } from '../properties.ts';
import { Refused } from '../refused.ts';
import type { OpenFolder, SmapSession } from '../session.ts';

type Numbered = readonly (readonly [number: number, uid: number])[];

const modes = { '': 'replace', '+': 'add', '-': 'remove' } as const;

/** STORE (smap §5.6): properties from left to right, each over the whole set. */
export async function store(session: SmapSession, words: readonly string[]): Promise<string> {
  const open = session.folder;
  const { ranges, rest } = readSet(words);
  // Before the first change: what is not understood must not be answered with success.
  const properties = rest.filter((word) => word !== '').map(readProperty);
  const messages = await numberedUids(open.view, ranges);
  for (const property of properties) await apply(session, open, messages, property);
  return 'Folder status updated';
}

type Property =
  | { readonly kind: 'flags' | 'keywords'; readonly change: FlagChange }
  | { readonly kind: 'date'; readonly seconds: number | undefined };

function readProperty(word: string): Property {
  const [, sign = '', name = '', value = ''] = /^([+-]?)(FLAGS|KEYWORDS)=(.*)$/is.exec(word) ?? [];
  const mode = modes[sign as keyof typeof modes];
  if (name.toUpperCase() === 'FLAGS')
    return {
      kind: 'flags',
      change: { mode, flags: readFlags(value), keywords: [], keywordsAllowed: false },
    };
  if (name.toUpperCase() === 'KEYWORDS')
    return { kind: 'keywords', change: { mode, flags: 0, mask: 0, keywords: readKeywords(value) } };
  const [, date] = /^INTERNALDATE=(.*)$/is.exec(word) ?? [];
  if (date === undefined) throw new Refused('Syntax error.');
  return { kind: 'date', seconds: parseDate(date)?.epochSeconds };
}

async function apply(
  session: SmapSession,
  open: OpenFolder,
  messages: Numbered,
  property: Property,
): Promise<void> {
  if (property.kind === 'date') return storeDate(open, messages, property.seconds);
  if (property.kind === 'keywords' && !session.settings.keywords) return;
  const strangers = changedByOthers(open, messages);
  // What is not permitted is dropped, and the answer shows what is.
  if (!open.mailbox.readOnly)
    await open.mailbox.storeFlags(
      messages.map(([, uid]) => uid),
      property.change,
    );
  if (open.snapshots && messages.length > 0) open.snapshots.isStale = true;
  await answer(session, open, messages, strangers, property.kind);
}

/** Messages with changes that the client has not been told, and that the answer may leave out. */
function changedByOthers({ view }: OpenFolder, messages: Numbered): ReadonlySet<number> {
  const { folder } = view;
  const strangers = new Set<number>();
  if (folder.highestModseq === view.modseq) return strangers;
  for (const [, uid] of messages) {
    const row = folder.rowOf(uid);
    if (row < 0) continue;
    const modseq = folder.modseqs[row]!;
    if (modseq > view.modseq && !view.isKnown(uid, modseq)) strangers.add(uid);
  }
  return strangers;
}

/** Each message with its flags or keywords, changed or not. */
async function answer(
  session: SmapSession,
  { view }: OpenFolder,
  messages: Numbered,
  strangers: ReadonlySet<number>,
  kind: 'flags' | 'keywords',
): Promise<void> {
  const { output } = session;
  const { folder } = view;
  const slice = new Slice();
  for (const [number, uid] of messages) {
    const row = folder.rowOf(uid);
    if (row >= 0) {
      if (!strangers.has(uid)) view.knows(uid);
      const text =
        kind === 'flags'
          ? flagsText(folder.flags[row]!)
          : keywordsText(folder.keywordSets[folder.keywordSet[row]!]!);
      output.line(`* FETCH ${number} ${text}`);
    }
    if (output.full) await output.drained();
    if (slice.isOver()) await slice.next();
    if (session.ended) return;
  }
}

async function storeDate(
  { mailbox, view }: OpenFolder,
  messages: Numbered,
  seconds: number | undefined,
): Promise<void> {
  if (seconds === undefined || seconds < 0 || !mailbox.rights.includes('w')) return;
  const slice = new Slice();
  for (const [, uid] of messages) {
    const row = view.folder.rowOf(uid);
    try {
      if (row >= 0) view.folder.setInternalDate(row, seconds);
    } catch (error) {
      if (!(error instanceof MailError) || error.kind !== 'expunged') throw error;
    }
    if (slice.isOver()) await slice.next();
  }
}
