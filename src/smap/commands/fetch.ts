import { MailError } from '../../base/mail-error.ts';
import { formatMailDate, localZoneMinutes } from '../../message/date.ts';
import { describe } from '../../store/describe.ts';
import { flag } from '../../store/flags.ts';
import { sizeInName } from '../../store/maildirsize.ts';
import { Slice } from '../../store/slices.ts';
import { type ContentsWord, readContentsWord } from '../fetch/contents-word.ts';
import { writeContents } from '../fetch/contents-writer.ts';
import { goneSource, type Source, sourceOf } from '../fetch/source.ts';
import { quoteWord, type Ranges } from '../framing.ts';
import { indexesOf, readSet } from '../message-set.ts';
import { flagsText, keywordsText } from '../properties.ts';
import type { OpenFolder, SmapSession } from '../session.ts';
import type { View } from '../view.ts';

/** FETCH set word… (smap §5.5): contents from left to right over the whole set, then the attributes. */
export async function fetch(session: SmapSession, words: readonly string[]): Promise<string> {
  const open = session.folder;
  const { ranges, rest } = readSet(words);
  const contents = rest.map(readContentsWord).filter((word) => word !== undefined);
  for (const word of contents) await fetchContents(session, open, ranges, word);
  const names = new Set(rest.map((word) => word.toUpperCase()));
  if (!session.settings.keywords) names.delete('KEYWORDS');
  const wanted: Wanted = {
    FLAGS: names.has('FLAGS'),
    KEYWORDS: names.has('KEYWORDS'),
    UID: names.has('UID'),
    SIZE: names.has('SIZE'),
    INTERNALDATE: names.has('INTERNALDATE'),
  };
  if (attributes.some((name) => wanted[name])) await fetchAttributes(session, open, ranges, wanted);
  return 'Message retrieved.';
}

async function fetchContents(
  session: SmapSession,
  open: OpenFolder,
  ranges: Ranges,
  word: ContentsWord,
): Promise<void> {
  const { output } = session;
  const slice = new Slice();
  for (const index of indexesOf(open.view, ranges)) {
    await fetchOne(session, open, index, word);
    if (word.setsSeen) await setSeen(session, open, index);
    if (output.full) await output.drained();
    if (slice.isOver()) await slice.next();
    if (session.ended) return;
  }
}

async function fetchOne(
  session: SmapSession,
  open: OpenFolder,
  index: number,
  word: ContentsWord,
): Promise<void> {
  const source = openSource(open, index);
  try {
    await writeContents(session, index + 1, source, word);
  } catch (error) {
    // Its structure is asked for before anything is written.
    if (!(error instanceof MailError) || error.kind !== 'expunged') throw error;
    await writeContents(session, index + 1, goneSource(), word);
  } finally {
    source.close();
  }
}

/** @throws {MailError} unavailable: the file is there and cannot be read */
function openSource({ view }: OpenFolder, index: number): Source {
  const { folder } = view;
  try {
    const row = view.rowAt(index);
    if (row < 0) return goneSource();
    return sourceOf(folder.open(row), async () => {
      const now = view.rowAt(index);
      if (now < 0) throw new MailError('expunged', 'the message has gone');
      return (await describe(folder, now)).structure;
    });
  } catch (error) {
    if (error instanceof MailError && error.kind === 'expunged') return goneSource();
    throw error;
  }
}

/** Marks a message whose contents were fetched, and tells it. */
async function setSeen(session: SmapSession, open: OpenFolder, index: number): Promise<void> {
  const { mailbox, view } = open;
  const { folder } = view;
  const row = view.rowAt(index);
  if (row < 0 || (folder.flags[row]! & flag.seen) !== 0 || !mailbox.rights.includes('s')) return;
  const uid = view.uids[index]!;
  const modseq = folder.modseqs[row]!;
  const isStranger = modseq > view.modseq && !view.isKnown(uid, modseq);
  await mailbox.storeFlags([uid], { mode: 'add', flags: flag.seen, keywords: [] });
  if (!isStranger) view.knows(uid);
  if (open.snapshots) open.snapshots.isStale = true;
  const now = view.rowAt(index);
  const isSeen = now >= 0 && (folder.flags[now]! & flag.seen) !== 0;
  if (isSeen) session.output.line(`* FETCH ${index + 1} ${flagsText(folder.flags[now]!)}`);
}

/** In the order they are told. */
const attributes = ['FLAGS', 'KEYWORDS', 'UID', 'SIZE', 'INTERNALDATE'] as const;

type Wanted = Readonly<Record<(typeof attributes)[number], boolean>>;

async function fetchAttributes(
  session: SmapSession,
  { view }: OpenFolder,
  ranges: Ranges,
  wanted: Wanted,
): Promise<void> {
  const { output } = session;
  const slice = new Slice();
  for (const [first, last] of ranges)
    for (let number = first; number <= last && number <= view.count; number++) {
      output.text(`* FETCH ${number}${attributesOf(view, number - 1, wanted)}\n`);
      if (output.full) await output.drained();
      if (slice.isOver()) await slice.next();
      if (session.ended) return;
    }
}

function attributesOf(view: View, index: number, wanted: Wanted): string {
  const { folder } = view;
  const row = view.rowAt(index);
  if (row < 0) return attributesOfGone(view, index, wanted);
  let text = wanted.FLAGS ? ` ${flagsText(folder.flags[row]!)}` : '';
  if (wanted.KEYWORDS) text += ` ${keywordsText(folder.keywordSets[folder.keywordSet[row]!]!)}`;
  if (wanted.UID) text += ` ${quoteWord(`UID=${folder.baseName(row)}`)}`;
  try {
    if (wanted.SIZE) text += ` SIZE=${folder.fileOctets(row)}`;
    if (wanted.INTERNALDATE) text += ` ${dateText(folder.internalDate(row))}`;
  } catch (error) {
    if (!(error instanceof MailError)) throw error;
  }
  return text;
}

/** What is remembered of a message that has gone. */
function attributesOfGone(view: View, index: number, wanted: Wanted): string {
  const { baseName, flags } = view.removed(index);
  const octets = sizeInName(baseName);
  return [
    wanted.FLAGS && ` ${flagsText(flags)}`,
    wanted.UID && ` ${quoteWord(`UID=${baseName}`)}`,
    wanted.SIZE && octets !== undefined && ` SIZE=${octets}`,
  ]
    .filter((text) => text !== false)
    .join('');
}

function dateText(seconds: number): string {
  return quoteWord(`INTERNALDATE=${formatMailDate(seconds, localZoneMinutes(seconds))}`);
}
