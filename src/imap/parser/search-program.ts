/** Reads SEARCH's keys (RFC 9051 §6.4.4, RFC 5032, RFC 5182) into the words of search/keys.ts. */
import type { NumberRanges } from '../../base/number-set.ts';
import { parseNumberSet } from '../../base/number-set.ts';
import { decodeCharset, isKnownCharset } from '../../message/charset.ts';
import { dayNumber } from '../../message/date.ts';
import type { SearchKey } from '../../search/keys.ts';
import { flag } from '../../store/flags.ts';
import { Refused } from '../refused.ts';
import { no } from '../reply.ts';
import type { ArgumentReader } from './arguments.ts';

export interface SearchContext {
  /** Of the strings in the keys. */
  readonly charset: string;
  /** What `$` stands for. */
  readonly savedResult: Uint32Array;
  readonly maxKeys: number;
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const none: SearchKey = { kind: 'not', key: { kind: 'all' } };
const and = (...keys: SearchKey[]): SearchKey => ({ kind: 'and', keys });
const not = (key: SearchKey): SearchKey => ({ kind: 'not', key });
const bit = (name: keyof typeof flag, set: boolean): SearchKey => ({ kind: 'flag', bit: flag[name], set });

const plain: Readonly<Record<string, SearchKey>> = {
  ALL: { kind: 'all' },
  ANSWERED: bit('answered', true),
  UNANSWERED: bit('answered', false),
  DELETED: bit('deleted', true),
  UNDELETED: bit('deleted', false),
  DRAFT: bit('draft', true),
  UNDRAFT: bit('draft', false),
  FLAGGED: bit('flagged', true),
  UNFLAGGED: bit('flagged', false),
  SEEN: bit('seen', true),
  UNSEEN: bit('seen', false),
  RECENT: { kind: 'recent' },
  NEW: and({ kind: 'recent' }, bit('seen', false)),
  OLD: not({ kind: 'recent' }),
};

const dates: Readonly<Record<string, 'before' | 'on' | 'since' | 'sentBefore' | 'sentOn' | 'sentSince'>> = {
  BEFORE: 'before',
  ON: 'on',
  SINCE: 'since',
  SENTBEFORE: 'sentBefore',
  SENTON: 'sentOn',
  SENTSINCE: 'sentSince',
};

const fields = ['BCC', 'CC', 'FROM', 'SUBJECT', 'TO'];

/** Refuses a charset nobody knows, or any in UTF-8 mode (RFC 6855 §3). */
export function checkCharset(charset: string): void {
  if (!isKnownCharset(charset)) {
    throw new Refused(no('[BADCHARSET] The requested character set is not supported.'));
  }
}

/** Reads keys to the end of the command; at least one. */
export function readSearchKeys(args: ArgumentReader, context: SearchContext): SearchKey {
  const reader = new KeyReader(args, context);
  const keys: SearchKey[] = [];
  do keys.push(reader.key());
  while (!args.atEnd);
  return keys.length === 1 ? keys[0]! : { kind: 'and', keys };
}

class KeyReader {
  readonly #args: ArgumentReader;
  readonly #context: SearchContext;
  #count = 0;

  constructor(args: ArgumentReader, context: SearchContext) {
    this.#args = args;
    this.#context = context;
  }

  key(): SearchKey {
    const args = this.#args;
    if (++this.#count > this.#context.maxKeys) args.refuse('too many search keys');
    if (args.atList) {
      const keys: SearchKey[] = [];
      args.list(() => keys.push(this.key()));
      if (keys.length === 0) args.refuse('search key expected');
      return { kind: 'and', keys };
    }
    if (args.accept('$')) return { kind: 'saved', uids: this.#context.savedResult };
    const word = args.word();
    if (/^[0-9*]/.test(word)) return { kind: 'sequence', ranges: this.#ranges(word) };
    return plain[word] ?? this.#withArguments(word);
  }

  #withArguments(word: string): SearchKey {
    const args = this.#args;
    const date = dates[word];
    if (date !== undefined) return this.#date(date);
    if (fields.includes(word)) return { kind: 'header', name: word.toLowerCase(), value: this.#text() };
    switch (word) {
      case 'NOT':
        return not(args.nested(() => this.key()));
      case 'OR':
        return args.nested((): SearchKey => ({ kind: 'or', keys: [this.key(), this.key()] }));
      case 'BODY':
        return { kind: 'body', value: this.#text() };
      case 'TEXT':
        return { kind: 'text', value: this.#text() };
      case 'HEADER': {
        const name = args.looseString().octets.toString('latin1');
        return { kind: 'header', name: name.toLowerCase(), value: this.#text() };
      }
      case 'KEYWORD':
        return { kind: 'keyword', name: args.looseString().octets.toString('latin1') };
      case 'UNKEYWORD':
        return not({ kind: 'keyword', name: args.looseString().octets.toString('latin1') });
      case 'LARGER':
        return { kind: 'larger', octets: args.number() };
      case 'SMALLER':
        return { kind: 'smaller', octets: args.number() };
      case 'YOUNGER':
        return { kind: 'younger', seconds: args.number() };
      case 'OLDER':
        return { kind: 'older', seconds: args.number() };
      case 'UID':
        if (args.accept('$')) return { kind: 'saved', uids: this.#context.savedResult };
        return { kind: 'uid', ranges: args.numberSet() };
      default:
        return args.refuse(`unknown search key ${word}`);
    }
  }

  #ranges(word: string): NumberRanges {
    return parseNumberSet(word) ?? this.#args.refuse('invalid message set');
  }

  #text(): string {
    const { octets } = this.#args.looseString();
    const { charset } = this.#context;
    return decodeCharset(octets, charset) ?? octets.toString();
  }

  /** A date that cannot be read matches nothing, as in Courier (imap-server §10). */
  #date(kind: (typeof dates)[string]): SearchKey {
    const text = this.#args.looseString().octets.toString('latin1');
    const match = /^\s?([0-9]{1,2})-([a-z]{3})-([0-9]{2}|[0-9]{4})$/i.exec(text);
    const month = months.indexOf((match?.[2] ?? '').toLowerCase()) + 1;
    if (match === null || month === 0) return none;
    const year = Number(match[3]);
    const fullYear = match[3]!.length === 4 ? year : year + (year < 70 ? 2000 : 1900);
    return { kind, day: dayNumber(fullYear, month, Number(match[1])) };
  }
}
