/** A session's view of INBOX: numbers fixed at login, deletions that wait for QUIT (RFC 1939 §5, §6). */
import type { Mailboxes } from '../access/mailboxes.ts';
import type { OpenMailbox } from '../access/open-mailbox.ts';
import { MailError } from '../base/mail-error.ts';
import { returnWireBlock, takeWireBlock } from '../message/wire-block.ts';
import { describe } from '../store/describe.ts';
import { flag } from '../store/flags.ts';
import type { Folder } from '../store/folder.ts';
import type { OpenMessage } from '../store/open-message.ts';
import {
  correctPop3Sizes,
  emergencyPop3Row,
  type Measured,
  type Pop3Row,
  savedPop3Rows,
  updatePop3List,
} from '../store/pop3-list.ts';
import type { Pop3Entry } from '../store/pop3-list-format.ts';

export interface Pop3Message {
  /** The message's UID in the folder, which POP3 does not show. */
  readonly uid: number;
  readonly fileName: string;
  /** What RETR sends, without dots that are doubled. */
  wireOctets: number;
  /** What its unique id is made of. */
  readonly entry: Pop3Entry;
  readonly eightBitHeader: boolean;
  deleted: boolean;
}

export interface Maildrop {
  readonly mailbox: OpenMailbox;
  readonly messages: readonly Pop3Message[];
  /** The list of unique ids could not be saved: only messages that have one already are shown. */
  readonly incomplete: boolean;
  /** Messages whose size in the list was wrong. */
  readonly corrected: Set<Pop3Message>;
  /** Says what a message's octets really are. */
  correct(message: Pop3Message, wireOctets: number): void;
}

/** @throws {MailError} */
export async function openMaildrop(mailboxes: Mailboxes): Promise<Maildrop> {
  const mailbox = await mailboxes.open('INBOX', 'r');
  try {
    const { folder } = mailbox;
    const count = folder.count;
    const uids = folder.uids;
    const names = Array.from({ length: count }, (_, row) => folder.fileName(row));
    const now = Math.floor(Date.now() / 1000);
    let rows: Pop3Row[];
    let incomplete = false;
    const measure = (row: number) => measureMessage(folder, uids[row]!);
    try {
      rows = await updatePop3List(folder.directory, folder.settings, names, measure, now);
    } catch (error) {
      // A full disk must not keep the user from making room: show what has an id already.
      if (!(error instanceof MailError) || error.kind !== 'overQuota') throw error;
      rows = savedPop3Rows(folder.directory, names, now);
      if (rows.length === 0) rows = await emergencyPop3Row(folder.directory, names, measure);
      incomplete = true;
    }
    const messages = rows.map(({ entry, index }) => ({
      uid: uids[index]!,
      fileName: names[index]!,
      wireOctets: entry.wireOctets,
      entry,
      eightBitHeader: entry.eightBitHeader,
      deleted: false,
    }));
    const corrected = new Set<Pop3Message>();
    const correct = (message: Pop3Message, wireOctets: number) => {
      if (message.wireOctets === wireOctets) return;
      message.wireOctets = wireOctets;
      corrected.add(message);
    };
    return { mailbox, messages, incomplete, corrected, correct };
  } catch (error) {
    mailbox.close();
    throw error;
  }
}

/** What RETR will send, counted; undefined for what cannot be read, which is then not shown. */
function measureMessage(folder: Folder, uid: number): Measured | undefined | Promise<Measured | undefined> {
  const row = folder.rowOf(uid);
  if (row < 0) return undefined;
  try {
    const measured = measureSmall(folder, row);
    if (measured !== undefined) return measured;
    return measureLarge(folder, uid).catch(unreadable);
  } catch (error) {
    return unreadable(error);
  }
}

function unreadable(error: unknown): undefined {
  if (!(error instanceof MailError)) throw error;
}

/** Measures the wire octets themselves, without a look at the structure. @returns undefined: too large for that */
function measureSmall(folder: Folder, row: number): Measured | undefined {
  const block = takeWireBlock();
  if (block === undefined) return undefined;
  try {
    const octets = block.read((into, at, room) => folder.readSmall(row, into, at, room));
    if (octets < 0) return undefined;
    const end = block.expand(octets, 0);
    const wire = block.octets.subarray(0, end);
    const empty = wire[0] === 13 && wire[1] === 10 ? 0 : wire.indexOf('\r\n\r\n');
    const header = empty < 0 ? wire : wire.subarray(0, empty);
    const isFinished = end > 0 && wire[end - 1] === 10;
    return { wireOctets: isFinished ? end : end + 2, eightBitHeader: isEightBit(header) };
  } finally {
    returnWireBlock(block);
  }
}

function isEightBit(octets: Uint8Array): boolean {
  for (let i = 0; i < octets.length; i++) if (octets[i]! > 127) return true;
  return false;
}

async function measureLarge(folder: Folder, uid: number): Promise<Measured | undefined> {
  const { structure } = await describe(folder, folder.rowOf(uid));
  const message = folder.open(folder.rowOf(uid));
  try {
    return {
      wireOctets: structure.wireOctets + missingLineEnd(message),
      eightBitHeader: structure.headerHasEightBit && hasEightBit(message, structure.root.bodyStart),
    };
  } finally {
    message.close();
  }
}

/** Whether an octet above 127 is in the message's own header: those of its parts do not count. */
function hasEightBit(message: OpenMessage, headerOctets: number): boolean {
  const piece = new Uint8Array(Math.min(headerOctets, 65_536));
  for (let at = 0; at < headerOctets; ) {
    const got = message.read(piece.subarray(0, headerOctets - at), at);
    if (got === 0) return false;
    if (isEightBit(piece.subarray(0, got))) return true;
    at += got;
  }
  return false;
}

/** Octets of the line end that RETR adds to a message that lacks it: 2 or 0. */
export function missingLineEnd(message: OpenMessage): 0 | 2 {
  if (message.sizeOctets === 0) return 2;
  const last = new Uint8Array(1);
  return message.read(last, message.sizeOctets - 1) === 1 && last[0] === 10 ? 0 : 2;
}

/**
 * A full RETR makes the message \Seen; a maildir that does not allow it is no reason to fail. Whether it is on the disk
 * at once does not matter.
 * @returns undefined if it is already
 */
export function markSeen(maildrop: Maildrop, message: Pop3Message): Promise<void> | undefined {
  const { folder } = maildrop.mailbox;
  const row = folder.rowOf(message.uid);
  if (row < 0 || folder.flags[row]! & flag.seen) return undefined;
  const change = { mode: 'add', flags: flag.seen, keywords: [], unsynced: true } as const;
  return maildrop.mailbox.storeFlags([message.uid], change).catch((error: unknown) => {
    if (!(error instanceof MailError)) throw error;
    folder.settings.log.warn(`${folder.directory}: cannot mark a message as seen: ${error.message}`);
  });
}

/** Writes sizes that were wrong in the list, as Courier leaves them, for the next session. */
export async function saveCorrections({ mailbox, corrected }: Maildrop): Promise<void> {
  if (corrected.size === 0) return;
  const { directory, settings } = mailbox.folder;
  const sizes = new Map([...corrected].map(({ fileName, wireOctets }) => [fileName, wireOctets]));
  corrected.clear();
  try {
    await correctPop3Sizes(directory, settings, sizes);
  } catch (error) {
    if (!(error instanceof MailError)) throw error;
    settings.log.warn(`${directory}: ${error.message}`);
  }
}

/**
 * Removes what was marked; durable when it returns.
 * @returns names of the files removed, and how many messages are still there
 */
export async function removeDeleted(maildrop: Maildrop): Promise<{ removed: string[]; left: number }> {
  const marked = maildrop.messages.filter((message) => message.deleted);
  if (marked.length === 0) return { removed: [], left: 0 };
  const gone = new Set(await maildrop.mailbox.expunge(marked.map((message) => message.uid)));
  const { folder } = maildrop.mailbox;
  return {
    removed: marked.filter((message) => gone.has(message.uid)).map((message) => message.fileName),
    left: marked.filter((message) => folder.rowOf(message.uid) >= 0).length,
  };
}
