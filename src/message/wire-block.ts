/**
 * Memory in which message files become wire octets and lie until the kernel has taken them: from the file to the
 * socket they are touched once. A process uses few blocks again and again, where a buffer for each message would
 * keep the garbage collector busy.
 */
import { createKernel, type Kernel } from './line-ends.ts';

/** A block can take in a file of less than so many octets. */
const sourceRoom = 262_144;

/** When so many octets are in a block, it is time to send them: they are still in the processor's cache. */
export const fullOctets = 196_608;

/**
 * Reads a whole file into `into` at `at`, if it has less than `room` octets.
 * @returns how many it has; -1: more, or they cannot be had so
 */
export type ReadWhole = (into: Buffer, at: number, room: number) => number;

/** The expansion writes so far past its result. */
const slackOctets = 16;
/** Blocks kept while nobody uses them. */
const maxFree = 4;
/** Slow clients hold theirs. Each reserves gigabytes of address space, as all WebAssembly memory does. */
const maxLent = 128;

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

  /** Reads a whole file, of which `expand` then makes wire octets. @returns as `ReadWhole` */
  read(read: ReadWhole): number {
    return read(this.#kernel.memory, this.#kernel.sourceStart, sourceRoom);
  }

  /** Takes over the `fileOctets` octets that another block has read. */
  takeRead(from: WireBlock, fileOctets: number): void {
    const { memory, sourceStart } = from.#kernel;
    memory.copy(this.#kernel.memory, this.#kernel.sourceStart, sourceStart, sourceStart + fileOctets);
  }

  /** Whether the file that was read fits behind `at`, whatever its line ends. */
  fits(at: number, fileOctets: number): boolean {
    return at + 2 * fileOctets + slackOctets <= this.octets.length;
  }

  /** Makes wire octets, at `at`, of the `fileOctets` octets that were read. @returns how many there are */
  expand(fileOctets: number, at: number): number {
    const { memory, sourceStart, targetStart, expand } = this.#kernel;
    memory[sourceStart - 1] = 0;
    return expand(sourceStart, fileOctets, targetStart + at);
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
