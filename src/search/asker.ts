import { headerFields } from '../message/header.ts';
import { searchableField, textLeaves } from '../message/text.ts';
import { type Description, describe } from '../store/describe.ts';
import { leafText, leafTextPieces, wholeOctets } from './body-text.ts';
import type { Facts } from './facts.ts';
import type { Day } from './keys.ts';
import { leavesOf } from './leaf-record.ts';
import { learn } from './learn.ts';
import { MessageReader } from './message-reader.ts';
import { Needle } from './needle.ts';
import type { Pacer } from './pacer.ts';
import type { ContentKey } from './tree.ts';
import type { SearchView } from './view.ts';

type TextKey = Extract<ContentKey, { kind: 'body' | 'text' }>;
type DateKey = Extract<
  ContentKey,
  { kind: 'before' | 'on' | 'since' | 'sentBefore' | 'sentOn' | 'sentSince' }
>;

/**
 * Answers the keys that need a message's file, one message after the other. Whatever several keys need is got once.
 * An answer of `undefined` means that it takes longer than one turn of the event loop: `prepare()`, then ask again.
 */
export class Asker {
  readonly #view: SearchView;
  readonly #facts: Facts;
  readonly #nowSeconds: number;
  readonly #excluded: ReadonlyMap<ContentKey, Uint8Array> | undefined;
  readonly #reader: MessageReader;
  readonly #needles = new Map<ContentKey, Needle>();
  readonly #dayStarts = new Map<Day, number>();
  #index = -1;
  #description: Description | undefined;
  #pending: Promise<Description> | undefined;
  readonly #answers = new Map<TextKey, boolean>();

  /** @param excluded  1 at the indexes where a key is known not to match */
  constructor(
    view: SearchView,
    facts: Facts,
    keys: readonly ContentKey[],
    nowSeconds: number,
    excluded?: ReadonlyMap<ContentKey, Uint8Array>,
  ) {
    this.#view = view;
    this.#facts = facts;
    this.#nowSeconds = nowSeconds;
    this.#excluded = excluded;
    this.#reader = new MessageReader(view.folder);
    for (const key of keys) if ('value' in key) this.#needles.set(key, new Needle(key.value));
  }

  /** Turns to another message. */
  use(index: number): void {
    this.#index = index;
    this.#reader.use(this.#view.uids[index]!);
    this.#description = undefined;
    this.#pending = undefined;
    if (this.#answers.size > 0) this.#answers.clear();
  }

  close(): void {
    this.#reader.close();
  }

  /** @throws {MailError} expunged, unavailable: the message's file cannot be read */
  readonly ask = (key: ContentKey): boolean | undefined => {
    if (this.#excluded?.get(key)?.[this.#index] === 1) return false;
    switch (key.kind) {
      case 'younger':
        return this.#internalDate() >= this.#nowSeconds - key.seconds;
      case 'older':
        return this.#internalDate() < this.#nowSeconds - key.seconds;
      case 'larger':
      case 'smaller': {
        const { folder } = this.#view;
        const octets =
          key.of === 'file' ? folder.fileOctets(this.#reader.row()) : this.#describe()?.wireOctets;
        if (octets === undefined) return undefined;
        return key.kind === 'larger' ? octets > key.octets : octets < key.octets;
      }
      case 'header':
        return this.#isInHeader(key.name.toLowerCase(), this.#needles.get(key)!);
      case 'body':
      case 'text':
        return this.#isInText(key, this.#needles.get(key)!);
      default:
        return this.#isDated(key);
    }
  };

  /** Does what the last `ask` could not: reads a large message, letting others in. */
  async prepare(keys: readonly ContentKey[], pacer: Pacer): Promise<void> {
    this.#description ??= await (this.#pending ?? describe(this.#view.folder, this.#reader.row()));
    const texts = keys.filter((key): key is TextKey => key.kind === 'body' || key.kind === 'text');
    if (texts.length === 0) return;
    const matchers = texts.map((key) => this.#needles.get(key)!.matcher());
    for (const leaf of textLeaves(this.#description.structure)) {
      for (const piece of leafTextPieces(leaf, this.#reader.read)) {
        for (const matches of matchers) matches(piece);
        if (pacer.due()) await pacer.pause();
      }
    }
    texts.forEach((key, i) => {
      this.#answers.set(
        key,
        matchers[i]!('') || (key.kind === 'text' && this.#isInAnyField(this.#needles.get(key)!)),
      );
    });
  }

  #internalDate(): number {
    return this.#view.folder.internalDate(this.#reader.row());
  }

  #describe(): Description | undefined {
    if (this.#description !== undefined) return this.#description;
    const description = describe(this.#view.folder, this.#reader.row());
    if (description instanceof Promise) this.#pending = description;
    else this.#description = description;
    return this.#description;
  }

  #isDated(key: DateKey): boolean {
    switch (key.kind) {
      case 'before':
        return this.#internalDate() < this.#startOf(key.day);
      case 'since':
        return this.#internalDate() >= this.#startOf(key.day);
      case 'on': {
        const seconds = this.#internalDate();
        return seconds >= this.#startOf(key.day) && seconds < this.#startOf(key.day + 1);
      }
      case 'sentBefore':
        return this.#sentDay() < key.day;
      case 'sentOn':
        return this.#sentDay() === key.day;
      case 'sentSince':
        return this.#sentDay() >= key.day;
    }
  }

  /** When a day begins in the server's time zone, in seconds since 1970. */
  #startOf(day: Day): number {
    let start = this.#dayStarts.get(day);
    if (start === undefined) {
      const date = new Date(day * 86_400_000);
      start = new Date(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()).getTime() / 1000;
      this.#dayStarts.set(day, start);
    }
    return start;
  }

  #sentDay(): number {
    this.#learn();
    return this.#facts.sentDay[this.#index]!;
  }

  #learn(): void {
    if (this.#facts.known[this.#index] === 0)
      learn(this.#facts, this.#index, this.#view.folder, this.#reader);
  }

  #isInHeader(name: string, needle: Needle): boolean {
    if (name === 'subject' || name === 'from' || name === 'to' || name === 'cc') {
      this.#learn();
      const text = this.#facts[name][this.#index]!;
      return text >= 0 && needle.isInFolded(this.#facts.strings.text(text));
    }
    for (const field of headerFields(this.#reader.header())) {
      if (field.name.toLowerCase() === name && needle.isIn(searchableField(name, field.value))) return true;
    }
    return false;
  }

  #isInAnyField(needle: Needle): boolean {
    for (const { name, value } of headerFields(this.#reader.header())) {
      if (needle.isIn(name) || needle.isIn(searchableField(name, value))) return true;
    }
    return false;
  }

  #isInText(key: TextKey, needle: Needle): boolean | undefined {
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    if (this.#reader.sizeOctets > wholeOctets) return undefined;
    const octets = this.#reader.head(wholeOctets);
    if (key.kind === 'text' && this.#isInAnyField(needle)) return true;
    const matches = needle.matcher();
    if (matches('')) return true;
    for (const leaf of leavesOf(this.#view.folder, this.#view.uids[this.#index]!, octets)) {
      if (matches(leafText(leaf, octets.subarray(leaf.start, leaf.end)))) return true;
    }
    return false;
  }
}
