import type { ChildProcess } from 'node:child_process';
import type { ToWorker } from './messages.ts';

/** The supervisor's part of counting across workers: it asks the others on behalf of one. */
export class Lending {
  readonly #workers: () => readonly (ChildProcess | undefined)[];
  readonly #waiting = new Map<number, (lent: boolean) => void>();
  #nextId = 1;

  /** @param workers  by their numbers; undefined: not running */
  constructor(workers: () => readonly (ChildProcess | undefined)[]) {
    this.#workers = workers;
  }

  /** Looks for a worker that has one of `key` to spare. @returns its number */
  async borrow(borrower: ChildProcess, key: string, limit: number): Promise<number | undefined> {
    for (const [number, worker] of this.#workers().entries()) {
      if (worker && worker !== borrower && (await this.#ask(worker, key, limit))) return number;
    }
    return undefined;
  }

  /** A worker has answered. */
  answered(id: number, lent: boolean): void {
    this.#waiting.get(id)?.(lent);
  }

  giveBack(lender: number, key: string): void {
    const worker = this.#workers()[lender];
    if (worker?.connected) worker.send({ type: 'returned', key } satisfies ToWorker, () => {});
  }

  #ask(worker: ChildProcess, key: string, limit: number): Promise<boolean> {
    if (!worker.connected) return Promise.resolve(false);
    const id = this.#nextId++;
    return new Promise((resolve) => {
      const settle = (lent: boolean) => {
        this.#waiting.delete(id);
        worker.off('exit', gone);
        resolve(lent);
      };
      const gone = () => settle(false);
      this.#waiting.set(id, settle);
      worker.once('exit', gone);
      worker.send({ type: 'lend', id, key, limit } satisfies ToWorker, () => {});
    });
  }
}
