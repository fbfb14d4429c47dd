/** Says how far a long piece of work is: a bar on a terminal, and elsewhere a line when it is done. */
export interface Progress {
  step(done: number, total: number): void;
  /** @param result  what to say for good */
  finish(result: string): void;
}

export interface ProgressOutput {
  readonly write: (text: string) => void;
  /** Columns of the terminal; undefined: it is none. */
  readonly columns: number | undefined;
  readonly nowMs: () => number;
}

const barCharacters = 20;
/** Between two drawings. */
const redrawMs = 100;
/** Before so much has been done nobody can say how long the rest takes. */
const knownAfterMs = 1000;

export function startProgress(label: string, { write, columns, nowMs }: ProgressOutput): Progress {
  const startedMs = nowMs();
  let drawnMs = Number.NEGATIVE_INFINITY;
  return {
    step(done, total) {
      const now = nowMs();
      if (columns === undefined || (now - drawnMs < redrawMs && done < total)) return;
      drawnMs = now;
      write(`\r${barLine(label, done, total, now - startedMs).slice(0, columns - 1)}\x1b[K`);
    },
    finish(result) {
      write(`${columns === undefined ? '' : '\r\x1b[K'}${label}: ${result}\n`);
    },
  };
}

/** `INBOX [##########----------]  50 % 5,000 of 10,000, 12 s left` */
export function barLine(label: string, done: number, total: number, elapsedMs: number): string {
  const share = total === 0 ? 1 : done / total;
  const filled = Math.floor(share * barCharacters);
  const bar = '#'.repeat(filled) + '-'.repeat(barCharacters - filled);
  const percent = String(Math.floor(share * 100)).padStart(3);
  const left =
    elapsedMs < knownAfterMs || done === 0 ? '' : `, ${duration((elapsedMs / done) * (total - done))} left`;
  return `${label} [${bar}] ${percent} % ${count(done)} of ${count(total)}${left}`;
}

export function count(number: number): string {
  return number.toLocaleString('en-US');
}

function duration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}
