/**
 * Counts with limits that hold across workers, without asking anybody in the usual case.
 *
 * Of each limit every worker owns a share (the shares add up to the limit) and counts against it alone. Whose
 * share is used up asks the supervisor for one more, which another worker with room gives away; it goes back as
 * soon as it is not needed. So a limit is never exceeded, never refused while there is room somewhere, and a
 * message between processes is needed only near the limit.
 */

/** Asks for one more of `key`; resolves to the number of the worker that gave it, or undefined. */
export type Borrow = (key: string, limit: number) => Promise<number | undefined>;
/** Gives one of `key` back to a worker. */
export type GiveBack = (key: string, lender: number) => void;

interface Count {
  used: number;
  /** Given to other workers. */
  lent: number;
  /** Workers that gave one of theirs. */
  readonly lenders: number[];
}

export class SharedCounts {
  readonly #counts = new Map<string, Count>();
  readonly #borrow: Borrow;
  readonly #giveBack: GiveBack;
  #worker = 0;
  #workers = 1;

  constructor(borrow: Borrow, giveBack: GiveBack) {
    this.#borrow = borrow;
    this.#giveBack = giveBack;
  }

  /** Which of how many workers this is. */
  configure(worker: number, workers: number): void {
    this.#worker = worker;
    this.#workers = workers;
  }

  /** Used by this worker. */
  used(key: string): number {
    return this.#counts.get(key)?.used ?? 0;
  }

  /**
   * Takes one of `key`.
   * @returns true: taken; false: the limit is reached; a promise where others have to be asked
   */
  take(key: string, limit: number): boolean | Promise<boolean> {
    const count = this.#of(key);
    count.used++;
    if (count.used <= this.#share(limit) - count.lent + count.lenders.length) return true;
    if (this.#workers === 1) {
      this.release(key, limit);
      return false;
    }
    return this.#borrow(key, limit).then((lender) => {
      if (lender === undefined) this.release(key, limit);
      else count.lenders.push(lender);
      return lender !== undefined;
    });
  }

  /** Gives one back that was taken, or that could not be taken. */
  release(key: string, limit: number): void {
    const count = this.#counts.get(key);
    if (!count || count.used === 0) return;
    count.used--;
    const spare = this.#share(limit) - count.lent + count.lenders.length - count.used;
    const lender = spare > 0 ? count.lenders.pop() : undefined;
    if (lender !== undefined) this.#giveBack(key, lender);
    this.#tidy(key, count);
  }

  /** Another worker asks. @returns whether there was one to spare; it is lent now */
  lend(key: string, limit: number): boolean {
    const count = this.#of(key);
    const spare = this.#share(limit) - count.lent + count.lenders.length - count.used;
    if (spare > 0) count.lent++;
    this.#tidy(key, count);
    return spare > 0;
  }

  /** One that was lent has come back. */
  returned(key: string): void {
    const count = this.#counts.get(key);
    if (!count || count.lent === 0) return;
    count.lent--;
    this.#tidy(key, count);
  }

  /** A worker has ended, and with it all it had lent or borrowed: everybody has the plain share again. */
  forgetLoans(): void {
    for (const [key, count] of this.#counts) {
      count.lent = 0;
      count.lenders.length = 0;
      this.#tidy(key, count);
    }
  }

  #share(limit: number): number {
    const rest = limit % this.#workers;
    return Math.floor(limit / this.#workers) + (this.#worker < rest ? 1 : 0);
  }

  #of(key: string): Count {
    let count = this.#counts.get(key);
    if (!count) {
      count = { used: 0, lent: 0, lenders: [] };
      this.#counts.set(key, count);
    }
    return count;
  }

  #tidy(key: string, { used, lent, lenders }: Count): void {
    if (used === 0 && lent === 0 && lenders.length === 0) this.#counts.delete(key);
  }
}
