const mapCount = 64;

/** By its length and three of its characters: message ids and subjects are told apart well enough. */
function mapOf(text: string): number {
  const { length } = text;
  const third = length >> 1;
  return (
    (length + text.charCodeAt(1) * 5 + text.charCodeAt(third) * 7 + text.charCodeAt(third - 2) * 11) &
    (mapCount - 1)
  );
}

/** Texts by number, each kept once: columns of texts are columns of numbers, and equal numbers are equal texts. */
export class StringTable {
  /** Many small maps: one that grows is copied in one go. */
  readonly #numbers = Array.from({ length: mapCount }, () => new Map<string, number>());
  readonly #texts: string[] = [];
  #octets = 0;

  get size(): number {
    return this.#texts.length;
  }

  /** About the memory it takes. */
  get octets(): number {
    return this.#octets;
  }

  add(text: string): number {
    const numbers = this.#numbers[mapOf(text)]!;
    const known = numbers.get(text);
    if (known !== undefined) return known;
    const number = this.#texts.length;
    this.#texts.push(text);
    numbers.set(text, number);
    this.#octets += 80 + 2 * text.length;
    return number;
  }

  /** A text's number, or -1. */
  find(text: string): number {
    return this.#numbers[mapOf(text)]!.get(text) ?? -1;
  }

  text(number: number): string {
    return this.#texts[number]!;
  }
}
