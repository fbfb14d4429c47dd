import { StringTable } from './string-table.ts';
import type { SearchView } from './view.ts';

/**
 * What SORT, THREAD and SEARCH of the common header fields need of the messages of one view, in columns: the
 * index is the view's. Texts are numbers of `strings`, -1 where the field is missing.
 *
 * A folder's facts outlive the command, so that the second SORT reads no file. They hang on UIDs, which stand for
 * base names as long as UIDVALIDITY stays.
 */
export interface Facts {
  readonly uids: Uint32Array;
  readonly count: number;
  readonly strings: StringTable;
  /** 1 where the other columns are filled in. */
  readonly known: Uint8Array;
  /** The Date field, in seconds since 1970 and as the day it names; NaN without a readable one. */
  readonly sentSeconds: Float64Array;
  readonly sentDay: Float64Array;
  /** Decoded and normalised, as SEARCH compares them. */
  readonly subject: Int32Array;
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly cc: Int32Array;
  /** RFC 5256 §2.1, and whether something was taken away for it. */
  readonly baseSubject: Int32Array;
  readonly isReply: Uint8Array;
  /** The mailbox of the first address, lower case. */
  readonly fromMailbox: Int32Array;
  readonly toMailbox: Int32Array;
  readonly ccMailbox: Int32Array;
  readonly messageId: Int32Array;
  /** Where `references` has the ids this message refers to, oldest first, and how many. */
  readonly referencesStart: Int32Array;
  readonly referencesCount: Int32Array;
  readonly references: number[];
  /** Places of a column's texts in alphabetical order; see `ranks.ts`. */
  readonly ranks: Map<Int32Array, Ranks>;
  /** Answers to SORT and THREAD of all messages, by the question; clients ask the same again and again. */
  readonly answers: Map<string, Answer>;
  /** Counts the messages learnt, so that what was made from the columns is known to be old. */
  learned: number;
}

export interface Answer {
  readonly learned: number;
  readonly answer: object;
}

export interface Ranks {
  readonly learned: number;
  /** By message: greater is later in the alphabet; missing and empty texts come first. */
  readonly places: Int32Array;
}

interface Entry {
  readonly uidValidity: number;
  facts: Facts;
}

/** All folders of the process together; a folder above it alone is forgotten before its next use. */
const maxOctets = 64 * 1024 * 1024;
const octetsPerMessage = 77;
const entries = new Map<string, Entry>();

/** The facts of a view's messages, as far as they are known; {@link learn} fills in the rest. */
export function factsOf(view: SearchView): Facts {
  const { directory, uidValidity } = view.folder;
  const entry = entries.get(directory);
  entries.delete(directory);
  const old =
    entry?.uidValidity === uidValidity && octetsOf(entry.facts) <= maxOctets ? entry.facts : undefined;
  const facts = old !== undefined && isSame(old, view) ? old : carryOver(old, view);
  entries.set(directory, { uidValidity, facts });
  forgetOldest();
  return facts;
}

function isSame(facts: Facts, view: SearchView): boolean {
  if (facts.count !== view.count) return false;
  if (facts.uids === view.uids) return true;
  for (let i = 0; i < view.count; i++) if (facts.uids[i] !== view.uids[i]) return false;
  return true;
}

/** New columns for a view, with what the old ones know. */
function carryOver(old: Facts | undefined, view: SearchView): Facts {
  const { uids, count } = view;
  const facts: Facts = {
    uids,
    count,
    strings: old?.strings ?? new StringTable(),
    known: new Uint8Array(count),
    sentSeconds: new Float64Array(count).fill(Number.NaN),
    sentDay: new Float64Array(count).fill(Number.NaN),
    subject: new Int32Array(count).fill(-1),
    from: new Int32Array(count).fill(-1),
    to: new Int32Array(count).fill(-1),
    cc: new Int32Array(count).fill(-1),
    baseSubject: new Int32Array(count).fill(-1),
    isReply: new Uint8Array(count),
    fromMailbox: new Int32Array(count).fill(-1),
    toMailbox: new Int32Array(count).fill(-1),
    ccMailbox: new Int32Array(count).fill(-1),
    messageId: new Int32Array(count).fill(-1),
    referencesStart: new Int32Array(count),
    referencesCount: new Int32Array(count),
    references: old?.references ?? [],
    ranks: new Map(),
    answers: new Map(),
    learned: 0,
  };
  if (old !== undefined) copyKnown(old, facts);
  return facts;
}

function copyKnown(from: Facts, to: Facts): void {
  const columns = Object.keys(to).filter(
    (name) => ArrayBuffer.isView(to[name as keyof Facts]) && name !== 'uids',
  );
  const source = from as unknown as Record<string, Uint8Array>;
  const target = to as unknown as Record<string, Uint8Array>;
  // The usual change is new mail at the end: the common beginning is copied at once.
  const common = commonStart(from, to);
  for (const name of columns) target[name]!.set(source[name]!.subarray(0, common));
  for (let i = common, j = common; i < to.count; i++) {
    while (j < from.count && from.uids[j]! < to.uids[i]!) j++;
    if (j === from.count) return;
    if (from.uids[j] === to.uids[i]) for (const name of columns) target[name]![i] = source[name]![j]!;
  }
}

function commonStart(a: Facts, b: Facts): number {
  const end = Math.min(a.count, b.count);
  let start = 0;
  while (start < end && a.uids[start] === b.uids[start]) start++;
  return start;
}

/** Columns of an answer, and its text as it is sent. */
const answerOctetsPerMessage = 30;
/** More questions about one folder than these are not usual. */
const mostAnswers = 8;

function octetsOf(facts: Facts): number {
  const perMessage = octetsPerMessage + facts.answers.size * answerOctetsPerMessage;
  return facts.strings.octets + facts.count * perMessage + facts.references.length * 8;
}

/** True where every column has all messages. */
export function isComplete(facts: Facts): boolean {
  return !facts.known.includes(0);
}

/**
 * The answer about all messages of a view: kept from the last time if nothing has changed since.
 * @param of  how many messages it is about; only the answer about all of them is kept
 */
export async function keptAnswer<T extends object>(
  facts: Facts,
  question: string,
  of: number,
  make: () => Promise<T>,
): Promise<T> {
  if (of !== facts.count) return make();
  const kept = facts.answers.get(question);
  if (kept?.learned === facts.learned) return kept.answer as T;
  const { learned } = facts;
  const answer = await make();
  if (facts.learned !== learned || !isComplete(facts)) return answer;
  facts.answers.delete(question);
  if (facts.answers.size === mostAnswers) facts.answers.clear();
  facts.answers.set(question, { learned, answer });
  return answer;
}

function forgetOldest(): void {
  let octets = 0;
  for (const { facts } of entries.values()) octets += octetsOf(facts);
  for (const [directory, { facts }] of entries) {
    if (octets <= maxOctets || entries.size === 1) return;
    octets -= octetsOf(facts);
    entries.delete(directory);
  }
}
