/**
 * LF in the file, CRLF on the wire. An LF that a CR precedes already stays as it is, so that a file that holds CRLF
 * is sent as it is; a bare CR stays too.
 */
import { lineEndsKernel } from './line-ends-kernel.ts';
import { asBuffer } from './octet-text.ts';
import { type MessageStructure, markInterval } from './part.ts';
import type { SectionRange } from './section.ts';

/** Bare LF -> CRLF. `afterCr`: the octet before these was a CR. The result is the caller's to keep. */
export function toWire(octets: Uint8Array, afterCr = false): Buffer {
  return kernel === undefined ? toWirePlainly(octets, afterCr) : toWireBy(kernel, octets, afterCr);
}

/** What `toWire` does where the kernel cannot be used; its oracle in tests. */
export function toWirePlainly(octets: Uint8Array, afterCr: boolean): Buffer {
  const source = asBuffer(octets);
  const target = Buffer.allocUnsafe(wireLength(source, afterCr));
  let from = 0;
  let to = 0;
  for (let lf = source.indexOf(10); lf >= 0; lf = source.indexOf(10, lf + 1)) {
    if (lf > 0 ? source[lf - 1] === 13 : afterCr) continue;
    source.copy(target, to, from, lf);
    to += lf - from;
    target[to++] = 13;
    from = lf;
  }
  source.copy(target, to, from);
  return target;
}

/** The kernel in its own memory: 256 KiB go in behind `source`, up to 512 KiB and 16 octets come out at `target`. */
export interface Kernel {
  readonly memory: Buffer;
  readonly sourceStart: number;
  readonly targetStart: number;
  readonly expand: (from: number, length: number, to: number) => number;
}

const pieceOctets = 65536;
const sourceStart = 64;
const targetStart = 327_680;

/** What is used of the global; the types of Node leave it out. */
declare const WebAssembly: {
  validate(octets: Uint8Array): boolean;
  Module: new (octets: Uint8Array) => object;
  Instance: new (
    module: object,
  ) => { exports: { memory: { buffer: ArrayBuffer }; expand: Kernel['expand'] } };
};

const kernelOctets = Buffer.from(lineEndsKernel, 'base64');
const kernelModule = WebAssembly.validate(kernelOctets) ? new WebAssembly.Module(kernelOctets) : undefined;

/** @returns undefined where the runtime has no SIMD */
export function createKernel(): Kernel | undefined {
  if (kernelModule === undefined) return undefined;
  const { memory, expand } = new WebAssembly.Instance(kernelModule).exports;
  return { memory: Buffer.from(memory.buffer), sourceStart, targetStart, expand };
}

const kernel = createKernel();

function toWireBy({ memory, expand }: Kernel, octets: Uint8Array, afterCr: boolean): Buffer {
  const pieces: Buffer[] = [];
  let previous = afterCr ? 13 : 0;
  for (let at = 0; at < octets.length; at += pieceOctets) {
    const piece = octets.length <= pieceOctets ? octets : octets.subarray(at, at + pieceOctets);
    memory[sourceStart - 1] = previous;
    memory.set(piece, sourceStart);
    const length = expand(sourceStart, piece.length, targetStart);
    pieces.push(Buffer.from(memory.subarray(targetStart, targetStart + length)));
    previous = piece[piece.length - 1]!;
  }
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
}

/** Octets that `toWire` makes. */
export function wireLength(octets: Uint8Array, afterCr = false): number {
  const source = asBuffer(octets);
  let bare = 0;
  for (let lf = source.indexOf(10); lf >= 0; lf = source.indexOf(10, lf + 1)) {
    if (lf > 0 ? source[lf - 1] !== 13 : !afterCr) bare++;
  }
  return source.length + bare;
}

/** Octets on their way from the file; whoever reads into it is done with them before anybody else runs. */
const scratch = Buffer.allocUnsafeSlow(pieceOctets);

/** Fills `into` with the file's octets from `position` on; returns how many there were, 0 at the end. */
export type ReadAt = (into: Uint8Array, position: number) => number;

/**
 * The wire octets of a range, or of a partial of it, in pieces of at most 128 KiB. A partial costs reading at most
 * 64 KiB before it, whatever its offset. Each piece is the caller's to keep. If the file has become shorter there are
 * fewer octets than `range.wireOctets` said.
 * @param partial  offset and count in wire octets; past the end is empty
 */
export function* wirePieces(
  read: ReadAt,
  structure: MessageStructure,
  range: SectionRange,
  partial?: { readonly offset: number; readonly count: number },
): Generator<Buffer> {
  const offset = Math.min(partial?.offset ?? 0, range.wireOctets);
  let left = Math.min(partial?.count ?? range.wireOctets, range.wireOctets - offset);
  let { position, skip, afterCr } = seekWire(structure, range, offset);
  while (left > 0) {
    const buffer = scratch.subarray(0, Math.min(pieceOctets, range.end - position));
    const count = read(buffer, position);
    if (count <= 0) return;
    const wire = toWire(buffer.subarray(0, count), afterCr);
    position += count;
    afterCr = buffer[count - 1] === 13;
    const piece = wire.subarray(skip, skip + left);
    skip = Math.max(0, skip - wire.length);
    left -= piece.length;
    if (piece.length > 0) yield piece;
  }
}

/** Where to begin reading for a wire offset within a range, and how many wire octets to drop from there. */
function seekWire(
  structure: MessageStructure,
  range: SectionRange,
  offset: number,
): { position: number; skip: number; afterCr: boolean } {
  const wanted = range.start + range.bareLfBefore + offset;
  const { marks } = structure;
  let low = 0;
  let high = marks.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (middle * markInterval + Math.floor(marks[middle]! / 2) <= wanted) low = middle;
    else high = middle - 1;
  }
  const position = low * markInterval;
  if (position <= range.start) return { position: range.start, skip: offset, afterCr: false };
  const wire = position + Math.floor(marks[low]! / 2);
  return { position, skip: wanted - wire, afterCr: marks[low]! % 2 === 1 };
}
