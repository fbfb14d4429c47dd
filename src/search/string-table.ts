/** Texts by number, each kept once: columns of texts are columns of numbers, and equal numbers are equal texts. */
export class StringTable {
  readonly #numbers = new Map<string, number>();
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
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const number = this.#texts.length;
    this.#texts.push(text);
    this.#numbers.set(text, number);
    this.#octets += 80 + 2 * text.length;
    return number;
  }

  /** A text's number, or -1. */
  find(text: string): number {
    return this.#numbers.get(text) ?? -1;
  }

  text(number: number): string {
    return this.#texts[number]!;
  }
}
