import { Slice } from '../store/slices.ts';

/** Lets other sessions in: ask `due()` between messages, and await `pause()` when it says so. */
export class Pacer {
  readonly #signal: AbortSignal | undefined;
  readonly #slice = new Slice();

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  due(): boolean {
    return this.#slice.isLong();
  }

  /** @throws the signal's reason, if it was given meanwhile */
  async pause(): Promise<void> {
    await this.#slice.next();
    this.#signal?.throwIfAborted();
  }
}
