/** Runs a fuzz target: `node test/fuzz/TARGET.ts [SECONDS] [SEED]`. */
import { type Random, seededRandom } from '../support/message-checks.ts';

/**
 * Checks inputs until the time is over; ends the process, with 1 at the first problem, which it prints.
 * @param check  what is wrong, if something is
 */
export async function fuzz(
  make: (random: Random) => Buffer,
  check: (input: Buffer, random: Random) => Promise<string | undefined>,
): Promise<never> {
  const seconds = Number(process.argv[2] ?? 10);
  const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
  const random = seededRandom(seed);
  const until = Date.now() + seconds * 1000;
  let rounds = 0;
  for (; Date.now() < until; rounds++) {
    const input = make(random);
    const problem = await check(input, random);
    if (problem === undefined) continue;
    const text = JSON.stringify(input.toString('latin1'));
    process.stdout.write(`seed ${seed}, round ${rounds}: ${text}\n${problem}\n`);
    process.exit(1);
  }
  process.stdout.write(`${rounds} inputs, seed ${seed}\n`);
  process.exit(0);
}
