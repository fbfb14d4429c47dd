/** How long to wait before a process that died is started again: doubling, forgiven after a quiet minute. */
export class BackOff {
  readonly #limitMs: number;
  readonly #clock: () => number;
  #waitMs = 0;
  #startedAt = 0;

  /** @param limitMs  the longest wait */
  constructor(limitMs: number, clock: () => number = Date.now) {
    this.#limitMs = limitMs;
    this.#clock = clock;
  }

  started(): void {
    this.#startedAt = this.#clock();
  }

  /** @returns milliseconds: 100 the first time, at most the limit */
  next(): number {
    const lived = this.#clock() - this.#startedAt;
    this.#waitMs = lived > 60_000 ? 100 : Math.max(100, this.#waitMs * 2);
    this.#waitMs = Math.min(this.#limitMs, this.#waitMs);
    return this.#waitMs;
  }
}
