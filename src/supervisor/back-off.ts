/** How long to wait before a process that died is started again: doubling, forgiven after a quiet minute. */
export class BackOff {
  readonly #clock: () => number;
  #waitMs = 0;
  #startedAt = 0;

  constructor(clock: () => number = Date.now) {
    this.#clock = clock;
  }

  started(): void {
    this.#startedAt = this.#clock();
  }

  /** @returns milliseconds: 100 the first time, at most 30,000 */
  next(): number {
    const lived = this.#clock() - this.#startedAt;
    this.#waitMs = lived > 60_000 ? 100 : Math.min(30_000, Math.max(100, this.#waitMs * 2));
    return this.#waitMs;
  }
}
