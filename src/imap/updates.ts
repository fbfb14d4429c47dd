/**
 * Telling a session what has changed in its mailbox, in Courier's order (imap-server §12.3): EXPUNGE, then new
 * keywords, EXISTS and RECENT, then FETCH of changed flags. The caller is a command that may send EXPUNGE
 * (RFC 9051 §7.5.1) or IDLE.
 */

import { flagList, flagsLine, permanentFlagsLine, recentBit } from './flag-texts.ts';
import type { ImapSession } from './session-loop.ts';
import type { Selected } from './state.ts';
import type { View } from './view.ts';

/** Looks at the disk if something may have changed there, and tells everything. */
export function tellChanges(session: ImapSession, state: Selected): void | Promise<void> {
  const { folder } = state.view;
  if (!folder.hasNews()) return tellKnown(session, state);
  return folder.refresh().then(() => tellKnown(session, state));
}

/** Tells what the folder's columns know. */
export function tellKnown(session: ImapSession, state: Selected): void {
  const { view } = state;
  if (!view.isBehind) return;
  const lastTold = view.count === 0 ? 0 : view.uids[view.count - 1]!;
  const since = view.modseq;
  const remaining = tellExpunged(session, view);
  tellKeywords(session, state);
  const { folder } = view;
  const came = folder.count !== remaining;
  const went = remaining !== view.count;
  const changed = folder.highestModseq === since ? [] : folder.changesSince(since);
  const unknown = changed.filter((row) => {
    const uid = folder.uids[row]!;
    return uid <= lastTold && !view.isKnown(uid, folder.modseqs[row]!);
  });
  view.caughtUp();
  if (came && !state.mailbox.readOnly) view.addRecent(folder.claimRecent());
  else if (came) view.addRecent(folder.recent.filter((uid) => uid > lastTold));
  if (went) view.keepRecent();
  const { writer } = session;
  if (came || went) writer.line(`* ${view.count} EXISTS`).line(`* ${view.recentCount} RECENT`);
  for (const row of unknown) writeFlags(session, view, row, row + 1, false);
}

/** `* n FETCH (FLAGS (…))`, with the UID in front for UID commands. */
export function writeFlags(
  session: ImapSession,
  view: View,
  row: number,
  number: number,
  withUid: boolean,
): void {
  const { folder } = view;
  const uid = folder.uids[row]!;
  const { writer } = session;
  writer.text('* ').number(number).text(' FETCH (');
  if (withUid) writer.text('UID ').number(uid).text(' ');
  const bits = folder.flags[row]! | (view.isRecent(uid) ? recentBit : 0);
  writer
    .text('FLAGS ')
    .octets(flagList(folder, row, bits))
    .text(')\r\n');
}

/** @returns how many of the messages told are left */
function tellExpunged(session: ImapSession, view: View): number {
  const { folder } = view;
  const gone = folder.expungedSince(view.modseq);
  let removed = 0;
  const tell = (index: number): void => {
    session.writer
      .text('* ')
      .number(index + 1 - removed)
      .text(' EXPUNGE\r\n');
    removed++;
  };
  if (gone === 'unknown') {
    for (let index = 0; index < view.count; index++) if (folder.rowOf(view.uids[index]!) < 0) tell(index);
  } else
    for (const uid of gone) {
      const index = view.indexOf(uid);
      if (index >= 0) tell(index);
    }
  return view.count - removed;
}

/** FLAGS and PERMANENTFLAGS if there are keywords the client has not heard of. */
export function tellKeywords(session: ImapSession, state: Selected): void {
  const { view, mailbox } = state;
  if (view.folder.keywords.length === view.keywordsTold) return;
  view.keywordsTold = view.folder.keywords.length;
  session.writer
    .line(flagsLine(view.folder))
    .line(permanentFlagsLine(view.folder, mailbox.readOnly, session.settings.keywords));
}
