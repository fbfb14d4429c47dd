import { setImmediate } from 'node:timers/promises';

/** How long a search may keep the event loop from everybody else, in ms. */
const sliceMs = 4;

/** Lets other sessions in: ask `due()` between messages, and await `pause()` when it says so. */
export class Pacer {
  readonly #signal: AbortSignal | undefined;
  #started = performance.now();

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  due(): boolean {
    return performance.now() - this.#started >= sliceMs;
  }

  /** @throws the signal's reason, if it was given meanwhile */
  async pause(): Promise<void> {
    await setImmediate();
    this.#signal?.throwIfAborted();
    this.#started = performance.now();
  }
}
