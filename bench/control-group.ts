import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/**
 * The processes of one server, for what they use: a control group of their own where the kernel lets us make one,
 * else the tree below the process that was started.
 */
export interface ProcessGroup {
  /** What to put before a command so that it and its children belong to the group. */
  readonly prefix: readonly string[];
  /** Tells the group the process started, for the case without a control group. */
  started(pid: number): void;
  /** CPU time used so far, also by processes that have ended. */
  cpuMs(): number;
  pids(): number[];
  /** Ends what is left and gives the group back. */
  remove(): Promise<void>;
}

/** @param name  part of the control group's name */
export function createProcessGroup(name: string): ProcessGroup {
  const directory = [
    ['/sys/fs/cgroup/cpuacct', 'cpuacct.usage'],
    ['/sys/fs/cgroup', 'cgroup.controllers'],
  ].find(([base, file]) => existsSync(join(base!, file!)))?.[0];
  if (directory !== undefined) {
    const path = join(directory, `postrider-bench-${process.pid}-${name}`);
    try {
      mkdirSync(path);
      return controlGroup(path);
    } catch {
      // Not allowed here: count by process instead.
    }
  }
  return processTree();
}

function controlGroup(path: string): ProcessGroup {
  const pids = () =>
    readFileSync(join(path, 'cgroup.procs'), 'latin1').split('\n').filter(Boolean).map(Number);
  const usage = join(path, 'cpuacct.usage');
  const stat = join(path, 'cpu.stat');
  return {
    prefix: ['sh', '-c', `echo $$ >${join(path, 'cgroup.procs')}; exec "$@"`, 'sh'],
    started() {},
    cpuMs: () =>
      existsSync(usage)
        ? Number(readFileSync(usage, 'latin1')) / 1e6
        : Number(/usage_usec (\d+)/.exec(readFileSync(stat, 'latin1'))![1]) / 1e3,
    pids,
    async remove() {
      await endAll(pids);
      rmdirSync(path);
    },
  };
}

/** Ends the processes a list names until it is empty. */
async function endAll(pids: () => number[]): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const left = pids();
    if (left.length === 0) return;
    for (const pid of left) {
      try {
        process.kill(pid, attempt < 20 ? 'SIGTERM' : 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    }
    await setTimeout(50);
  }
}

const ticksMs = 10;

function processTree(): ProcessGroup {
  const roots: number[] = [];
  const tree = () => {
    const all = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => readStat(Number(name)));
    const members = new Set(roots);
    for (let before = -1; before !== members.size; ) {
      before = members.size;
      for (const { pid, parent } of all) if (members.has(parent)) members.add(pid);
    }
    return all.filter(({ pid }) => members.has(pid));
  };
  return {
    prefix: [],
    started: (pid) => {
      roots.push(pid);
    },
    cpuMs: () => tree().reduce((sum, { ticks }) => sum + ticks * ticksMs, 0),
    pids: () => tree().map(({ pid }) => pid),
    remove: () => endAll(() => tree().map(({ pid }) => pid)),
  };
}

function readStat(pid: number): { pid: number; parent: number; ticks: number }[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    // utime, stime and those of children that were waited for (proc(5)).
    const ticks = [11, 12, 13, 14].reduce((sum, field) => sum + Number(fields[field]), 0);
    return [{ pid, parent: Number(fields[1]), ticks }];
  } catch {
    return [];
  }
}

/** Memory of processes, what they share divided among them, in KiB. */
export function pssKib(pids: readonly number[]): number {
  let sum = 0;
  for (const pid of pids) {
    try {
      sum += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? 0);
    } catch {
      // It has ended meanwhile.
    }
  }
  return sum;
}
