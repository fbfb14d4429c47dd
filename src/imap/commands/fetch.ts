import { MailError } from '../../base/mail-error.ts';
import { type Description, describe, forgetDescription } from '../../store/describe.ts';
import { flag } from '../../store/flags.ts';
import type { OpenMessage } from '../../store/open-message.ts';
import { Slice } from '../../store/slices.ts';
import { command } from '../command.ts';
import { writeColumns } from '../fetch/column-writer.ts';
import { writeDescribed } from '../fetch/described-writer.ts';
import {
  type FetchPlan,
  planFetch,
  type ReadyMessage,
  UnknownEncoding,
  writeMessage,
} from '../fetch/message-writer.ts';
import { countLarge, decodedPart, wholeUpTo } from '../fetch/section-octets.ts';
import { writeWhole } from '../fetch/whole-writer.ts';
import { type IndexRanges, readMessageSet, resolveMessages } from '../message-set.ts';
import { type FetchItem, readFetchItems, uidItem } from '../parser/fetch-items.ts';
import { no, ok, type Reply } from '../reply.ts';
import type { ImapSession } from '../session-loop.ts';
import type { Selected } from '../state.ts';
import { tellKeywords, writeFlags } from '../updates.ts';

/** FETCH, UID FETCH: RFC 9051 §6.4.5, imap-server §9; BINARY: RFC 3516. */
export const fetch = command({
  names: ['FETCH', 'UID FETCH'],
  state: 'selected',
  parse(args, by) {
    const messages = readMessageSet(args, by);
    const items = readFetchItems(args);
    if (by === 'uid' && !items.includes(uidItem)) items.unshift(uidItem);
    return { messages, withUid: by === 'uid', plan: planFetch(items) };
  },
  run(session, state, { messages, withUid, plan }) {
    const ranges = resolveMessages(session, state, messages);
    tellKeywords(session, state);
    return new Fetching(session, state, plan, withUid).run(ranges);
  },
});

/** One FETCH on its way through the messages. */
class Fetching {
  readonly #session: ImapSession;
  readonly #state: Selected;
  readonly #plan: FetchPlan;
  readonly #withUid: boolean;
  /** UIDs whose \Seen is to be set when all octets are out. */
  readonly #seen: number[] = [];
  readonly #unicode: number[] = [];
  #missing = false;
  #unknownEncoding = false;

  constructor(session: ImapSession, state: Selected, plan: FetchPlan, withUid: boolean) {
    this.#session = session;
    this.#state = state;
    this.#plan = plan;
    this.#withUid = withUid;
  }

  run(ranges: IndexRanges): Reply | Promise<Reply> {
    const { items, needsDescription, needsFile, needsDate } = this.#plan;
    const isColumns = !needsDescription && !needsFile && !needsDate;
    if (isColumns && !this.#isLong(ranges)) {
      for (const [first, last] of ranges) this.#columns(items, first, last);
      return this.#result();
    }
    return this.#all(ranges, isColumns);
  }

  #isLong(ranges: IndexRanges): boolean {
    let count = 0;
    for (const [first, last] of ranges) count += last - first + 1;
    return count > 5000;
  }

  #columns(items: FetchPlan['items'], first: number, last: number): void {
    if (writeColumns(this.#session, this.#state, items, first, last)) this.#missing = true;
  }

  async #all(ranges: IndexRanges, isColumns: boolean): Promise<Reply> {
    const { writer } = this.#session;
    if (this.#plan.needsDescription) await this.#state.view.folder.computed.ready();
    const slice = new Slice();
    for (const [first, last] of ranges) {
      for (let index = first; index <= last; index++) {
        if (this.#session.ended) return this.#result();
        if (isColumns) {
          const until = Math.min(last, index + 999);
          this.#columns(this.#plan.items, index, until);
          index = until;
        } else {
          const waiting = this.#message(index);
          if (waiting !== undefined) await waiting;
        }
        if (writer.full) await writer.drained();
        if (slice.isLong()) {
          writer.flush();
          await slice.next();
        }
      }
    }
    if (this.#seen.length > 0) await this.#setSeen();
    return this.#result();
  }

  #message(index: number): void | Promise<void> {
    const { folder } = this.#state.view;
    const row = this.#state.view.rowAt(index);
    if (row < 0) {
      this.#missing = true;
      return;
    }
    const { needsDescription, isDescribed, hasHeaderFields } = this.#plan;
    if (!needsDescription) return this.#opened(index, undefined);
    try {
      if (isDescribed && writeDescribed(this.#session, this.#state, this.#plan, index, row)) return;
      const description = describe(folder, row, hasHeaderFields);
      if (!(description instanceof Promise)) {
        if (isDescribed && writeDescribed(this.#session, this.#state, this.#plan, index, row)) return;
        return this.#opened(index, description);
      }
      return description.then(
        (ready) => this.#opened(index, ready),
        (error: unknown) => this.#failed(index, error),
      );
    } catch (error) {
      this.#failed(index, error);
    }
  }

  /** With the description at hand: opens the file, and writes. */
  #opened(index: number, description: Description | undefined): void | Promise<void> {
    const { view } = this.#state;
    let file: OpenMessage | undefined;
    try {
      const row = view.rowAt(index);
      if (row < 0) throw new MailError('expunged', 'expunged');
      if (this.#plan.isWhole && !this.#sets(row)) {
        if (writeWhole(this.#session, this.#state, this.#plan.items, index, row)) return;
      }
      if (this.#plan.needsFile) file = view.folder.open(row);
      if (isAnother(file, description)) {
        // Somebody wrote into the file.
        forgetDescription(view.folder, row);
        description = undefined;
      }
      const isLarge = file !== undefined && file.sizeOctets > wholeUpTo;
      if (
        file !== undefined &&
        ((isLarge && this.#plan.isBinary) || (description === undefined && this.#wants(isLarge, row)))
      ) {
        return this.#large(index, row, file, description);
      }
      const waiting = this.#write(index, { description, file, decodedSizes: undefined });
      if (waiting === undefined) {
        file?.close();
        return;
      }
      return waiting.finally(() => file?.close());
    } catch (error) {
      file?.close();
      this.#failed(index, error);
    }
  }

  /** Whether a message without a description needs one. */
  #wants(isLarge: boolean, row: number): boolean {
    return this.#plan.needsDescription || isLarge || this.#sets(row);
  }

  /** Gets ready what takes time: the description, and the sizes of decoded parts. */
  async #large(index: number, row: number, file: OpenMessage, known: Description | undefined): Promise<void> {
    try {
      const description = known ?? (await describe(this.#state.view.folder, row));
      const decodedSizes = new Map<FetchItem, number>();
      for (const item of this.#plan.items) {
        if (item.kind !== 'binary' && item.kind !== 'binarySize') continue;
        const decoded = decodedPart(file, description.structure, item.part);
        if (decoded !== undefined) decodedSizes.set(item, await countLarge(decoded));
      }
      await this.#write(index, { description, file, decodedSizes });
    } catch (error) {
      this.#failed(index, error);
    } finally {
      file.close();
    }
  }

  #write(
    index: number,
    ready: Pick<ReadyMessage, 'description' | 'file' | 'decodedSizes'>,
  ): void | Promise<void> {
    const { view } = this.#state;
    const row = view.rowAt(index);
    if (row < 0) throw new MailError('expunged', 'expunged');
    const dateSeconds = this.#plan.needsDate ? view.folder.internalDate(row) : 0;
    const waiting = writeMessage(this.#session, this.#state, this.#plan, {
      ...ready,
      row,
      number: index + 1,
      dateSeconds,
    });
    if (this.#sets(row)) this.#noteSeen(index, row, ready.description);
    return waiting;
  }

  /** Whether fetching the message sets its \Seen. */
  #sets(row: number): boolean {
    const { mailbox, view } = this.#state;
    return (
      this.#plan.setsSeen &&
      (view.folder.flags[row]! & flag.seen) === 0 &&
      !mailbox.readOnly &&
      mailbox.rights.includes('s')
    );
  }

  #noteSeen(index: number, row: number, description: Description | undefined): void {
    this.#seen.push(this.#state.view.folder.uids[row]!);
    if (!this.#session.utf8 && description?.structure.headerHasEightBit === true)
      this.#unicode.push(index + 1);
  }

  #failed(index: number, error: unknown): void {
    if (error instanceof UnknownEncoding) this.#unknownEncoding = true;
    else if (!(error instanceof MailError)) throw error;
    else if (this.#state.mailbox.isGone) throw error;
    else if (error.kind === 'expunged') this.#missing = true;
    else this.#session.writer.line(`* NO [ALERT] Cannot open message ${index + 1}`);
  }

  async #setSeen(): Promise<void> {
    const { mailbox, view } = this.#state;
    const { writer } = this.#session;
    await mailbox.storeFlags(this.#seen, { mode: 'add', flags: flag.seen, keywords: [] });
    for (const uid of this.#seen) {
      const row = view.folder.rowOf(uid);
      if (row < 0) continue;
      view.knows(uid);
      writeFlags(this.#session, view, row, view.indexOf(uid) + 1, this.#withUid);
    }
    for (const number of this.#unicode) {
      writer.line(
        `* OK [ALERT] Message ${number} appears to be a Unicode message and your E-mail reader did not enable ` +
          'Unicode support. Please use an E-mail reader that supports IMAP with UTF-8 ' +
          '(see https://tools.ietf.org/html/rfc6855.html)',
      );
    }
  }

  #result(): Reply {
    if (this.#unknownEncoding) return no('[UNKNOWN-CTE] FETCH failed: unknown content transfer encoding.');
    return ok(this.#missing ? '[EXPUNGEISSUED] FETCH completed.' : 'FETCH completed.');
  }
}

function isAnother(file: OpenMessage | undefined, description: Description | undefined): boolean {
  return file !== undefined && description !== undefined && file.sizeOctets !== description.sizeOctets;
}
