import { parseAddresses } from '../message/address.ts';
import { baseSubject } from '../message/base-subject.ts';
import { parseDate } from '../message/date.ts';
import { headerFields } from '../message/header.ts';
import { parseMessageIds } from '../message/references.ts';
import { searchableField } from '../message/text.ts';
import { decodeWords } from '../message/words.ts';
import type { Facts } from './facts.ts';
import { foldCase, squeeze } from './needle.ts';

/** The header fields that facts are made of; each also a key of its value in `Collected`. */
const collected = ['date', 'subject', 'from', 'to', 'cc', 'message-id', 'references', 'in-reply-to'] as const;

type Collected = Partial<Record<(typeof collected)[number], string>>;

const isCollected = new Set<string>(collected);

/** Fills in the facts of the message at `index` from its header. */
export function learn(facts: Facts, index: number, header: Uint8Array): void {
  const fields = collect(header);
  const { strings } = facts;
  learnDate(facts, index, fields.date);
  const addresses = ['from', 'to', 'cc'] as const;
  for (const name of addresses) {
    const value = fields[name];
    if (value === undefined) continue;
    facts[name][index] = strings.add(normal(searchableField(name, value)));
    const first = parseAddresses(value).find((address) => address.kind === 'mailbox');
    if (first !== undefined) facts[`${name}Mailbox`][index] = strings.add(foldCase(first.mailbox));
  }
  if (fields.subject !== undefined)
    facts.subject[index] = strings.add(normal(searchableField('subject', fields.subject)));
  const subject = baseSubject(decodeWords(fields.subject ?? ''));
  facts.baseSubject[index] = strings.add(subject.base);
  facts.isReply[index] = Number(subject.isReplyOrForward);
  learnReferences(facts, index, fields);
  facts.known[index] = 1;
  facts.learned++;
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

function learnDate(facts: Facts, index: number, value: string | undefined): void {
  const date = value === undefined ? undefined : parseDate(value);
  facts.sentSeconds[index] = date?.epochSeconds ?? Number.NaN;
  facts.sentDay[index] = date?.localDay ?? Number.NaN;
}

/** RFC 5256 §3: the ids of References, or if it has none the first of In-Reply-To. */
function learnReferences(facts: Facts, index: number, fields: Collected): void {
  const { strings, references } = facts;
  const id = parseMessageIds(fields['message-id'] ?? '')[0];
  facts.messageId[index] = id === undefined ? -1 : strings.add(id);
  let ids = parseMessageIds(fields.references ?? '');
  if (ids.length === 0) ids = parseMessageIds(fields['in-reply-to'] ?? '').slice(0, 1);
  facts.referencesStart[index] = references.length;
  facts.referencesCount[index] = ids.length;
  for (const each of ids) references.push(strings.add(each));
}

function normal(text: string): string {
  return foldCase(squeeze(text));
}
