import { type Address, parseAddresses } from '../message/address.ts';
import { baseSubject } from '../message/base-subject.ts';
import { parseDate } from '../message/date.ts';
import { headerFields } from '../message/header.ts';
import { parseMessageIds } from '../message/references.ts';
import { searchableField } from '../message/text.ts';
import { decodeWords } from '../message/words.ts';
import { foldCase, squeeze } from './needle.ts';

/** What SORT, THREAD and SEARCH need of one message's header; see `Facts` for what each is. */
export interface MessageFacts {
  readonly sentSeconds: number;
  readonly sentDay: number;
  readonly isReply: boolean;
  /** By `textColumns`; undefined where the field is missing. */
  readonly texts: readonly (string | undefined)[];
  readonly references: readonly string[];
}

/** The columns of texts, in the order of `texts` and of records. */
export const textColumns = [
  'subject',
  'from',
  'to',
  'cc',
  'baseSubject',
  'fromMailbox',
  'toMailbox',
  'ccMailbox',
  'messageId',
] as const;

const collected = ['date', 'subject', 'from', 'to', 'cc', 'message-id', 'references', 'in-reply-to'] as const;

type Collected = Partial<Record<(typeof collected)[number], string>>;

const isCollected = new Set<string>(collected);

/** @param header  of the message, what is behind it does not matter */
export function readFacts(header: Uint8Array): MessageFacts {
  const fields = collect(header);
  const date = fields.date === undefined ? undefined : parseDate(fields.date);
  const subject = baseSubject(decodeWords(fields.subject ?? ''));
  const [from, to, cc] = [addressesOf(fields.from), addressesOf(fields.to), addressesOf(fields.cc)];
  return {
    sentSeconds: date?.epochSeconds ?? Number.NaN,
    sentDay: date?.localDay ?? Number.NaN,
    isReply: subject.isReplyOrForward,
    texts: [
      normal('subject', fields.subject),
      normal('from', fields.from),
      normal('to', fields.to),
      normal('cc', fields.cc),
      subject.base,
      mailboxOf(from),
      mailboxOf(to),
      mailboxOf(cc),
      parseMessageIds(fields['message-id'] ?? '')[0],
    ],
    references: referencesOf(fields),
  };
}

/** The first Date, Message-ID and so on count; addresses of repeated fields are one list. */
function collect(header: Uint8Array): Collected {
  const fields: Collected = {};
  for (const { name, value } of headerFields(header)) {
    const key = name.toLowerCase();
    if (!isCollected.has(key)) continue;
    const known = key as keyof Collected;
    const before = fields[known];
    if (before === undefined) fields[known] = value;
    else if (known === 'to' || known === 'cc' || known === 'from') fields[known] = `${before}, ${value}`;
  }
  return fields;
}

function addressesOf(value: string | undefined): Address[] {
  return value === undefined ? [] : parseAddresses(value);
}

function mailboxOf(addresses: readonly Address[]): string | undefined {
  const first = addresses.find((address) => address.kind === 'mailbox');
  return first && foldCase(first.mailbox);
}

/** RFC 5256 §3: the ids of References, or if it has none the first of In-Reply-To. */
function referencesOf(fields: Collected): string[] {
  const ids = parseMessageIds(fields.references ?? '');
  return ids.length > 0 ? ids : parseMessageIds(fields['in-reply-to'] ?? '').slice(0, 1);
}

function normal(name: string, value: string | undefined): string | undefined {
  return value === undefined ? undefined : foldCase(squeeze(searchableField(name, value)));
}
