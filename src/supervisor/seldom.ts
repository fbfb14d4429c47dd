/** Lines that all workers together write at most once a minute: the worker's side, and the supervisor's. */
import type { Seldom } from './admission.ts';

const everyMs = 60_000;

/** Asks the supervisor before it writes. */
export class SeldomLines {
  readonly #ask: (kind: string) => void;
  readonly #waiting = new Map<string, () => void>();

  constructor(ask: (kind: string) => void) {
    this.#ask = ask;
  }

  readonly write: Seldom = (kind, write) => {
    const isAsked = this.#waiting.has(kind);
    this.#waiting.set(kind, write);
    if (!isAsked) this.#ask(kind);
  };

  /** The answer has come. */
  answered(kind: string, allowed: boolean): void {
    const write = this.#waiting.get(kind);
    this.#waiting.delete(kind);
    if (allowed) write?.();
  }
}

/** Says whether a line of a kind may be written now; then none may for a minute. */
export function seldomKeeper(clock: () => number = Date.now): (kind: string) => boolean {
  const writtenAt = new Map<string, number>();
  return (kind) => {
    const now = clock();
    if (now - (writtenAt.get(kind) ?? -everyMs) < everyMs) return false;
    writtenAt.set(kind, now);
    return true;
  };
}
