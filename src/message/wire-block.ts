/**
 * Memory in which message files become wire octets and lie until the kernel has taken them: from the file to the
 * socket they are touched once. A process uses few blocks again and again, where a buffer for each message would
 * keep the garbage collector busy.
 */
import { createKernel, type Kernel, type ReadAt } from './line-ends.ts';

/** Octets of a file that a block can take in. */
export const blockSourceOctets = 65_536;
/** The expansion writes so far past its result. */
const slackOctets = 16;
/** Blocks kept while nobody uses them. */
const maxFree = 4;
/** Slow clients hold theirs. Each reserves gigabytes of address space, as all WebAssembly memory does. */
const maxLent = 256;

const free: WireBlock[] = [];
let lent = 0;

export class WireBlock {
  /** What is to be sent: the owner's own octets, and what `expand` makes. */
  readonly octets: Buffer;
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.octets = kernel.memory.subarray(kernel.targetStart);
  }

  /** Whether a file fits behind `at`, whatever its line ends. */
  fits(at: number, fileOctets: number): boolean {
    return at + 2 * fileOctets + slackOctets <= this.octets.length;
  }

  /**
   * Makes wire octets of a whole file at `at`.
   * @param fileOctets  at most `blockSourceOctets`; fewer are used if the file has become shorter
   * @returns how many there are
   */
  expand(read: ReadAt, fileOctets: number, at: number): number {
    const { memory, sourceStart, targetStart, expand } = this.#kernel;
    let end = 0;
    while (end < fileOctets) {
      const octets = read(memory.subarray(sourceStart + end, sourceStart + fileOctets), end);
      if (octets <= 0) break;
      end += octets;
    }
    memory[sourceStart - 1] = 0;
    return expand(sourceStart, end, targetStart + at);
  }
}

/** @returns undefined where the runtime has no SIMD, or too many are lent */
export function takeWireBlock(): WireBlock | undefined {
  if (lent >= maxLent) return undefined;
  const block = free.pop() ?? createBlock();
  if (block !== undefined) lent++;
  return block;
}

function createBlock(): WireBlock | undefined {
  const kernel = createKernel();
  return kernel && new WireBlock(kernel);
}

/** The kernel has taken all of it. */
export function returnWireBlock(block: WireBlock): void {
  lent--;
  if (free.length < maxFree) free.push(block);
}
