import type { OpenMailbox } from '../../access/open-mailbox.ts';
import { formatNumberSet } from '../../base/number-set.ts';
import { parseInternalDate } from '../../message/date.ts';
import type { Append, Appended } from '../../store/append.ts';
import { HeaderScan } from '../append/header-scan.ts';
import { checkCount, isOutbox, throughOutbox } from '../append/outbox.ts';
import { command } from '../command.ts';
import { ArgumentReader } from '../parser/arguments.ts';
import { type Literal, literalAtEnd } from '../parser/command-reader.ts';
import { type FlagList, readFlagList } from '../parser/flag-list.ts';
import { readMailbox } from '../parser/mailbox-name.ts';
import { Refused } from '../refused.ts';
import { no, ok, type Reply } from '../reply.ts';
import type { ImapSession } from '../session-loop.ts';
import type { Authenticated, Selected } from '../state.ts';
import { tellChanges } from '../updates.ts';

/** What stands in front of a message: flags, date, and how its octets come. */
interface MessageHead {
  flags: FlagList;
  dateSeconds: number | undefined;
  literal: Literal;
  /** `UTF8 (~{n}`: a closing parenthesis follows. */
  isUtf8: boolean;
}

/**
 * APPEND: RFC 9051 §6.3.12, several messages (RFC 3502), `UTF8 (~{n}` (RFC 6855 §4), binary literals (RFC 3516).
 * The octets go to the store as they come; nothing is in the folder until all have come.
 */
export const append = command({
  names: ['APPEND'],
  state: 'authenticated',
  streams: true,
  refuse: {
    notFound: '[TRYCREATE] Must create mailbox before append',
    unavailable: '[ALERT] Cannot create message - no write permission or out of disk space.',
  },
  parse(args, _by, session) {
    const name = readMailbox(args, session.utf8);
    return { name, head: readHead(args, session) };
  },
  async run(session, state, { name, head }) {
    const mailbox = await state.mailboxes.open(name, 'i');
    try {
      if (state.kind === 'selected' && state.mailbox.readOnly && state.mailbox.name === mailbox.name) {
        return no('Current box is selected READ-ONLY.');
      }
      return await new Appending(session, mailbox).run(head, state);
    } finally {
      mailbox.close();
    }
  },
});

function readHead(args: ArgumentReader, session: ImapSession): MessageHead {
  let flags: FlagList = { flags: 0, keywords: [] };
  if (args.atList) flags = readFlagList(args);
  else args.acceptNil();
  if (flags.keywords.length > 0 && !session.settings.keywords) args.refuse('keywords are not supported');
  let dateSeconds: number | undefined;
  if (args.peek() === 0x22) {
    dateSeconds = parseInternalDate(args.string().octets.toString('latin1'))?.epochSeconds;
    if (dateSeconds === undefined) args.refuse('invalid date');
  } else args.acceptNil();
  const isUtf8 = args.acceptWord('UTF8');
  if (isUtf8) args.expect('(');
  const literal = args.atPendingLiteral ? literalAtEnd(args.octets) : undefined;
  if (literal === undefined) return args.refuse('literal expected');
  if (isUtf8 && !(literal.binary && session.utf8))
    args.refuse('UTF8 data needs ENABLE UTF8=ACCEPT and a literal8');
  return { flags, dateSeconds, literal, isUtf8 };
}

class Appending {
  readonly #session: ImapSession;
  readonly #mailbox: OpenMailbox;
  readonly #appends: Append[] = [];
  /** Octets of the present literal that have not come yet; those of a refused one are skipped. */
  #missing = 0;
  /** The first literal is announced, and not accepted. */
  #asked = true;
  #hasEightBitHeader = false;

  constructor(session: ImapSession, mailbox: OpenMailbox) {
    this.#session = session;
    this.#mailbox = mailbox;
  }

  async run(first: MessageHead, state: Authenticated | Selected): Promise<Reply> {
    const { writer } = this.#session;
    try {
      let head: MessageHead | undefined = first;
      while (head !== undefined) {
        head = await this.#message(head);
        if (head !== undefined && isOutbox(this.#session, state, this.#mailbox))
          checkCount(this.#session, this.#appends.length + 1);
      }
      if (this.#appends.some(({ sizeOctets }) => sizeOctets === 0)) throw new Refused(no('APPEND aborted.'));
      const { uidValidity, uids } = await this.#commit(state);
      if (state.kind === 'selected' && state.mailbox.name === this.#mailbox.name && !this.#session.ended) {
        await tellChanges(this.#session, state);
      }
      if (this.#hasEightBitHeader) {
        writer.line(
          '* OK [ALERT] Your IMAP client does not appear to correctly implement Unicode messages, ' +
            'see https://tools.ietf.org/html/rfc6855.html',
        );
      }
      return ok(`[APPENDUID ${uidValidity} ${formatNumberSet(uids)}] APPEND Ok.`);
    } catch (error) {
      for (const append of this.#appends) append.abort();
      if (!this.#asked && this.#missing > 0) this.#session.reader.skipRest(this.#missing);
      throw error;
    }
  }

  async #commit(state: Authenticated | Selected): Promise<Appended> {
    const store = () => this.#mailbox.commitAppends(this.#appends);
    if (!isOutbox(this.#session, state, this.#mailbox)) return store();
    await this.#mailbox.requireRoom(this.#appends);
    const messages = this.#appends.map((append) => () => append.read());
    return throughOutbox(this.#session, state, messages, store);
  }

  /** Takes one message. @returns the next one's head, if one follows */
  async #message({ flags, dateSeconds, literal, isUtf8 }: MessageHead): Promise<MessageHead | undefined> {
    const session = this.#session;
    const { limits } = session.settings;
    if (!this.#asked) this.#missing = literal.waits ? 0 : literal.size;
    if (literal.size > limits.appendOctets) throw new Refused(no('[TOOBIG] The message is too large.'));
    const append = await this.#mailbox.startAppend();
    this.#appends.push(append);
    append.flags = flags.flags;
    append.keywords = flags.keywords;
    append.dateSeconds = dateSeconds;
    if (this.#asked) session.reader.stream();
    this.#asked = false;
    this.#missing = literal.size;
    if (literal.waits) session.writer.line('+ OK');
    await this.#receive(append, literal.binary ? undefined : new HeaderScan());
    const line = await session.nextLine(limits.literalMs);
    const args = new ArgumentReader(line, 0, limits.depth);
    if (isUtf8) args.expect(')');
    return args.atEnd ? undefined : this.#nextHead(args);
  }

  /** What follows a message is the head of another one, or makes the whole command a syntax error. */
  #nextHead(args: ArgumentReader): MessageHead {
    try {
      return readHead(args, this.#session);
    } catch (error) {
      const literal = literalAtEnd(args.octets);
      if (literal !== undefined && !literal.waits) this.#missing = literal.size;
      throw error;
    }
  }

  async #receive(append: Append, scan: HeaderScan | undefined): Promise<void> {
    while (this.#missing > 0) {
      const octets = await this.#session.nextOctets(this.#missing, this.#session.settings.limits.literalMs);
      this.#missing -= octets.length;
      scan?.write(octets);
      await append.write(octets);
    }
    if (scan?.found === true) this.#hasEightBitHeader = true;
  }
}
