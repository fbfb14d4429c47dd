import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { calibrate } from './calibration.ts';
import { makeCorpus } from './corpus.ts';
import { cloneMaildir, fillMaildir, makeMaildir } from './maildir.ts';
import { Postrider } from './servers/postrider.ts';
import { type Workload, workloads } from './workloads.ts';

/**
 * The regression guard: CPU time of the workloads, the least of several rounds, as a multiple of the CPU time that a
 * fixed piece of work takes on this machine at the same time; against the figures in `baseline.json`.
 */
interface Baseline {
  /** What measured it: figures carry over to other machines, but not as exactly. */
  readonly machine: string;
  /** By workload. */
  readonly units: Readonly<Record<string, number>>;
}

/** A workload may cost so much more before the guard fails, on a machine with a core to spare. */
const usualTolerance = 0.3;

/**
 * On a busier machine processes drive each other out of the caches, which costs logins most and the unit least.
 * @param load  processes that want to run, for each core
 */
export function toleranceAt(load: number): number {
  return usualTolerance * Math.min(4, Math.max(1, load));
}

const rounds = 10;
/** What is worse is measured again so many times before it counts. */
const repeats = 4;
/** What costs less than this is lost in the noise of a turn of the event loop: so many units are always allowed. */
const slackUnits = 0.002;
const baselineFile = join(import.meta.dirname, 'baseline.json');
/** Not the rows that measure memory, latency or the disk. */
const guarded = new Set(['W1', 'W2', 'W3', 'W4b', 'W6', 'W7', 'W8', 'W9b', 'W10', 'W11', 'W12']);
const accounts = 2;
const settings = ['WORKERS=1', 'DURABLE=NO', 'TEXT_INDEX_FROM=0'];

/**
 * Measures, and compares with the baseline or replaces it.
 * @returns whether nothing is worse
 */
export async function guard(replace: boolean, print: (text: string) => void): Promise<boolean> {
  const machine = `${cpus()[0]?.model.trim()}, Node ${process.version}`;
  const units = await measureUnits(guarded, print);
  if (replace) {
    const rounded = Object.fromEntries([...units].map(([id, value]) => [id, Number(value.toPrecision(3))]));
    const baseline: Baseline = { machine, units: rounded };
    writeFileSync(baselineFile, `${JSON.stringify(baseline, undefined, 2)}\n`);
    print(`${baselineFile} written\n`);
    return true;
  }
  const baseline = JSON.parse(readFileSync(baselineFile, 'utf8')) as Baseline;
  if (baseline.machine !== machine) print(`The baseline is of another machine: ${baseline.machine}.\n`);
  const tolerance = toleranceAt(loadavg()[0]! / availableParallelism());
  let { text, worse } = compare(units, baseline.units, tolerance);
  for (let again = 0; again < repeats && worse.some((id) => units.has(id)); again++) {
    print(`${worse.join(', ')} again, in case something else was busy:\n`);
    for (const [id, value] of await measureUnits(new Set(worse), print))
      units.set(id, Math.min(value, units.get(id) ?? value));
    ({ text, worse } = compare(units, baseline.units, tolerance));
  }
  print(text);
  const allowed = `${Math.round(tolerance * 100)} %`;
  if (tolerance > usualTolerance) print(`The machine is busy: up to ${allowed} more is let pass.\n`);
  if (worse.length > 0) print(`Worse than the baseline by more than ${allowed}: ${worse.join(', ')}\n`);
  return worse.length === 0;
}

/** A line for each workload; those that are worse, and those that are missing on either side. */
export function compare(
  units: ReadonlyMap<string, number>,
  baseline: Readonly<Record<string, number>>,
  tolerance: number,
): { text: string; worse: string[] } {
  const worse: string[] = [];
  let text = '';
  for (const id of new Set([...Object.keys(baseline), ...units.keys()])) {
    const [is, was] = [units.get(id), baseline[id]];
    const isWorse = is === undefined || was === undefined || is > was * (1 + tolerance) + slackUnits;
    if (isWorse) worse.push(id);
    const ratio = is === undefined || was === undefined ? '–' : (is / was).toFixed(2);
    text += `${id.padEnd(5)}${ratio.padStart(6)}  ${number(is)} units, baseline ${number(was)}${isWorse ? '  worse' : ''}\n`;
  }
  return { text, worse };
}

function number(value: number | undefined): string {
  return value === undefined ? 'none' : value.toPrecision(3);
}

/** CPU time of each workload's operation in units of the calibration. */
async function measureUnits(
  ids: ReadonlySet<string>,
  print: (text: string) => void,
): Promise<Map<string, number>> {
  const kind = new Postrider({ settings });
  const chosen = workloads.filter(({ id }) => ids.has(id));
  const least = new Map<string, number>();
  let leastUnit = Number.POSITIVE_INFINITY;
  try {
    kind.prepare(accounts);
    makeMaildir(kind.maildir(1), kind.owner);
    fillMaildir(kind.maildir(1), makeCorpus(500, 16_400), kind.owner);
    for (let account = 2; account <= accounts; account++)
      cloneMaildir(kind.maildir(1), kind.maildir(account), kind.owner);
    const server = await kind.start();
    try {
      // Servers distrust directories that changed a moment ago.
      await setTimeout(3000);
      for (let round = 0; round < rounds; round++) {
        for (const workload of chosen) {
          leastUnit = Math.min(leastUnit, calibrate());
          const cpuMs = await cpuOf(workload, { kind, server, accounts, haste: 10 });
          least.set(workload.id, Math.min(least.get(workload.id) ?? Number.POSITIVE_INFINITY, cpuMs));
        }
        print(`round ${round + 1} of ${rounds}, unit ${leastUnit.toFixed(2)} ms\n`);
      }
    } finally {
      await server.stop();
    }
  } finally {
    kind.remove();
  }
  return new Map([...least].map(([id, cpuMs]) => [id, cpuMs / leastUnit]));
}

async function cpuOf(workload: Workload, bench: Parameters<Workload['run']>[0]): Promise<number> {
  const figure = await workload.run(bench);
  if (figure?.cpuMs === undefined) throw new Error(`${workload.id} has no CPU time`);
  return figure.cpuMs;
}
