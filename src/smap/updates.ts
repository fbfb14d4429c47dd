/** Telling a client what has changed in its folder: EXPUNGE, then EXISTS, then FETCH (smap §5.4). */
import type { Folder } from '../store/folder.ts';
import { foldKeyword } from '../store/keywords.ts';
import { Slice } from '../store/slices.ts';
import type { Snapshot } from '../store/snapshots.ts';
import { expungeLines } from './framing.ts';
import { stateText } from './properties.ts';
import type { OpenFolder, SmapSession } from './session.ts';
import type { View } from './view.ts';

/**
 * Looks at the disk if something may have changed there, and tells everything.
 * @returns whether there was anything to tell
 * @throws {MailError} the folder cannot be read any more
 */
export async function tellChanges(session: SmapSession, open: OpenFolder): Promise<boolean> {
  const { view } = open;
  const { folder } = view;
  if (folder.isDirty()) await folder.refresh();
  if (!view.isBehind) return false;
  const lastTold = view.count === 0 ? 0 : view.uids[view.count - 1]!;
  const changed: NumberedUid[] = [];
  for (const row of folder.changesSince(view.modseq)) {
    const uid = folder.uids[row]!;
    if (uid <= lastTold && !view.isKnown(uid, folder.modseqs[row]!)) changed.push([row + 1, uid]);
  }
  return tell(session, open, goneNumbers(view), changed);
}

/** Tells what is other than in a snapshot, of which the client knows everything. */
export async function tellDifferences(
  session: SmapSession,
  open: OpenFolder,
  snapshot: Snapshot,
): Promise<void> {
  const { view } = open;
  const { folder } = view;
  if (folder.isDirty()) await folder.refresh();
  const { uids, count, flags } = snapshot;
  const sameKeywords = keywordComparer(folder, snapshot, session.settings.keywords);
  const gone: number[] = [];
  const changed: NumberedUid[] = [];
  for (let i = 0, row = 0; i < count; i++) {
    while (row < folder.count && folder.uids[row]! < uids[i]!) row++;
    if (row === folder.count || folder.uids[row] !== uids[i]) gone.push(i + 1);
    else if (folder.flags[row] !== flags[i] || !sameKeywords(row)) changed.push([row + 1, uids[i]!]);
  }
  view.count = count;
  await tell(session, open, gone, changed);
}

function keywordComparer(
  folder: Folder,
  { keywords }: Snapshot,
  isWanted: boolean,
): (row: number) => boolean {
  if (!isWanted) return () => true;
  const keyOf = (names: readonly string[]): string => names.map(foldKeyword).sort().join('\n');
  const keys = folder.keywordSets.map(keyOf);
  return (row) => {
    const known = keywords.get(folder.uids[row]!);
    const set = folder.keywordSet[row]!;
    return known === undefined ? set === 0 : keyOf(known) === keys[set];
  };
}

type NumberedUid = readonly [number: number, uid: number];

/**
 * @param gone  numbers in the view as it was told
 * @param changed  numbers in the folder as it is now; nobody else was let in since they were found
 */
async function tell(
  session: SmapSession,
  open: OpenFolder,
  gone: readonly number[],
  changed: readonly NumberedUid[],
): Promise<boolean> {
  const { view } = open;
  const came = view.folder.count !== view.count - gone.length;
  view.caughtUp();
  for (const line of expungeLines(gone)) session.output.line(line);
  if (came) session.output.line(`* EXISTS ${view.count}`);
  await tellStates(session, view, changed);
  const told = gone.length > 0 || came || changed.length > 0;
  if (told && open.snapshots) open.snapshots.isStale = true;
  return told;
}

/** `* FETCH n FLAGS=… "KEYWORDS=…"` of messages the client has been told. */
async function tellStates(
  session: SmapSession,
  { folder }: View,
  messages: readonly NumberedUid[],
): Promise<void> {
  const { output, settings } = session;
  const slice = new Slice();
  for (const [number, uid] of messages) {
    const row = folder.rowOf(uid);
    if (row >= 0) output.line(`* FETCH ${number} ${stateText(folder, row, settings.keywords)}`);
    if (output.full) await output.drained();
    if (slice.isOver()) await slice.next();
    if (session.ended) return;
  }
}

/** The numbers of messages told that have gone, ascending. */
function goneNumbers(view: View): number[] {
  const { folder, uids, count } = view;
  const gone = folder.expungedSince(view.modseq);
  const numbers: number[] = [];
  if (gone !== 'unknown') {
    for (const uid of gone) {
      const index = view.indexOf(uid);
      if (index >= 0) numbers.push(index + 1);
    }
    return numbers;
  }
  const { uids: present, count: presentCount } = folder;
  for (let index = 0, row = 0; index < count; index++) {
    while (row < presentCount && present[row]! < uids[index]!) row++;
    if (row === presentCount || present[row] !== uids[index]) numbers.push(index + 1);
  }
  return numbers;
}
