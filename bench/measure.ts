import type { RunningServer } from './servers/server.ts';

/** What one workload cost one server. */
export interface Figure {
  /** CPU time of all the server's processes an operation. */
  readonly cpuMs?: number;
  /** Time an operation took, as the client saw it. */
  readonly wallMs?: number;
  readonly perSecond?: number;
  /** Memory of one more idle session. */
  readonly kib?: number;
  /** Latencies. */
  readonly medianMs?: number;
  readonly p99Ms?: number;
}

/** Runs an operation some times after a few unmeasured ones. */
export async function measure(
  server: RunningServer,
  times: number,
  operation: (number: number) => Promise<void>,
  warmUp = Math.min(3, times),
): Promise<Figure> {
  for (let i = 0; i < warmUp; i++) await operation(i);
  const cpu = server.group.cpuMs();
  const start = performance.now();
  for (let i = 0; i < times; i++) await operation(warmUp + i);
  const wall = performance.now() - start;
  return figure(server.group.cpuMs() - cpu, wall, times);
}

/** Runs an operation on several connections at once; `times` is the sum. */
export async function measureParallel(
  server: RunningServer,
  times: number,
  lanes: number,
  operation: (lane: number) => Promise<void>,
): Promise<Figure> {
  const cpu = server.group.cpuMs();
  const start = performance.now();
  let left = times;
  const lane = async (number: number) => {
    while (left-- > 0) await operation(number);
  };
  await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)));
  return figure(server.group.cpuMs() - cpu, performance.now() - start, times);
}

function figure(cpu: number, wall: number, times: number): Figure {
  return { cpuMs: cpu / times, wallMs: wall / times, perSecond: (1000 * times) / wall };
}

export function latencies(samplesMs: readonly number[]): Figure {
  const sorted = [...samplesMs].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  return { medianMs: at(0.5), p99Ms: at(0.99) };
}
