/** Longest stretch of work in one turn of the event loop, of one session or of several together. */
const sliceMs = 2;

/** Those who wait for a turn, the first one first. */
const waiting: (() => void)[] = [];
/** When the first of this turn went on; undefined: nobody has. */
let turnStartedMs: number | undefined;

/**
 * Lets the other sessions in: resolves in a later turn. However many wait, those that go on in one turn have one
 * slice together, and what has come from clients is answered between two turns.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    setImmediate(goOn);
  });
}

function goOn(): void {
  const nowMs = performance.now();
  if (turnStartedMs === undefined) {
    turnStartedMs = nowMs;
    // Before any that is planned from now on.
    setImmediate(endTurn);
  } else if (nowMs - turnStartedMs > sliceMs) {
    setImmediate(goOn);
    return;
  }
  waiting.shift()!();
}

function endTurn(): void {
  turnStartedMs = undefined;
}

/** Beyond this many messages each list that is made of them has a turn of its own. */
const manyMessages = 10_000;

/** Lets others in before something else is made of a list, if it is long. */
export function turnAfter(messages: number): void | Promise<void> {
  if (messages > manyMessages) return nextTurn();
}

/** Cuts a long loop: `if (slice.isOver()) await slice.next()` in its body. */
export class Slice {
  #started = performance.now();
  #calls = 0;

  /** Looks at the clock at every 32nd call only. */
  isOver(): boolean {
    return (++this.#calls & 31) === 0 && this.isLong();
  }

  /** Looks at the clock at every call: where a step takes long. */
  isLong(): boolean {
    return performance.now() - this.#started > sliceMs;
  }

  async next(): Promise<void> {
    await nextTurn();
    this.#started = performance.now();
  }
}
