/**
 * The compression functions of MD5 (RFC 1321), SHA-1 and SHA-256 (FIPS 180-4), because the `hmac-*pw` fields of
 * userdb hold raw hash states (authlib §6.3), which node:crypto cannot load. For short texts only.
 */
export type HmacHash = 'md5' | 'sha1' | 'sha256';

interface HashFunction {
  /** Octets of a state and of a digest. */
  readonly octets: number;
  readonly initial: readonly number[];
  readonly littleEndian: boolean;
  /** Compresses one block of 16 words into the state. */
  compress(state: Uint32Array, block: Uint32Array): void;
}

const rotate = (word: number, bits: number) => (word << bits) | (word >>> (32 - bits));

const md5Sines = Uint32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32));
const md5Shifts = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
] as const;

function compressMd5(state: Uint32Array, block: Uint32Array): void {
  let [a, b, c, d] = state as unknown as [number, number, number, number];
  for (let i = 0; i < 64; i++) {
    const round = i >> 4;
    let mixed: number;
    let word: number;
    if (round === 0) [mixed, word] = [(b & c) | (~b & d), i];
    else if (round === 1) [mixed, word] = [(d & b) | (~d & c), (5 * i + 1) & 15];
    else if (round === 2) [mixed, word] = [b ^ c ^ d, (3 * i + 5) & 15];
    else [mixed, word] = [c ^ (b | ~d), (7 * i) & 15];
    const sum = (a + mixed + md5Sines[i]! + block[word]!) | 0;
    [a, d, c, b] = [d, c, b, (b + rotate(sum, md5Shifts[round]![i & 3]!)) | 0];
  }
  state[0]! += a;
  state[1]! += b;
  state[2]! += c;
  state[3]! += d;
}

function compressSha1(state: Uint32Array, block: Uint32Array): void {
  const schedule = new Uint32Array(80);
  schedule.set(block);
  for (let i = 16; i < 80; i++) {
    schedule[i] = rotate(schedule[i - 3]! ^ schedule[i - 8]! ^ schedule[i - 14]! ^ schedule[i - 16]!, 1);
  }
  let [a, b, c, d, e] = state as unknown as [number, number, number, number, number];
  for (let i = 0; i < 80; i++) {
    let mixed: number;
    if (i < 20) mixed = ((b & c) | (~b & d)) + 0x5a827999;
    else if (i < 40) mixed = (b ^ c ^ d) + 0x6ed9eba1;
    else if (i < 60) mixed = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    else mixed = (b ^ c ^ d) + 0xca62c1d6;
    const next = (rotate(a, 5) + mixed + e + schedule[i]!) | 0;
    [e, d, c, b, a] = [d, c, rotate(b, 30), a, next];
  }
  [a, b, c, d, e].forEach((word, i) => {
    state[i]! += word;
  });
}

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const sha256Constants = ((): Uint32Array => {
  const primes: number[] = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return Uint32Array.from(primes, (prime) => {
    // Exact: the integer cube root of prime * 2^96, its low 32 bits.
    const target = BigInt(prime) << 96n;
    let root = BigInt(Math.floor(Math.cbrt(prime) * 2 ** 32));
    while (root * root * root > target) root--;
    while ((root + 1n) ** 3n <= target) root++;
    return Number(root & 0xffffffffn);
  });
})();

function compressSha256(state: Uint32Array, block: Uint32Array): void {
  const schedule = new Uint32Array(64);
  schedule.set(block);
  for (let i = 16; i < 64; i++) {
    const [near, far] = [schedule[i - 2]!, schedule[i - 15]!];
    const sigma1 = rotate(near, 15) ^ rotate(near, 13) ^ (near >>> 10);
    const sigma0 = rotate(far, 25) ^ rotate(far, 14) ^ (far >>> 3);
    schedule[i] = sigma1 + schedule[i - 7]! + sigma0 + schedule[i - 16]!;
  }
  const words = Int32Array.from(state);
  for (let i = 0; i < 64; i++) {
    const [a, b, c, , e, f, g, h] = words as unknown as number[] & { length: 8 };
    const sum1 = rotate(e!, 26) ^ rotate(e!, 21) ^ rotate(e!, 7);
    const choice = (e! & f!) ^ (~e! & g!);
    const first = (h! + sum1 + choice + sha256Constants[i]! + schedule[i]!) | 0;
    const sum0 = rotate(a!, 30) ^ rotate(a!, 19) ^ rotate(a!, 10);
    const majority = (a! & b!) ^ (a! & c!) ^ (b! & c!);
    words.copyWithin(1, 0, 7);
    words[4]! += first;
    words[0] = first + sum0 + majority;
  }
  words.forEach((word, i) => {
    state[i]! += word;
  });
}

const shaInitial = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];

export const hashFunctions: Readonly<Record<HmacHash, HashFunction>> = {
  md5: { octets: 16, initial: shaInitial, littleEndian: true, compress: compressMd5 },
  sha1: { octets: 20, initial: [...shaInitial, 0xc3d2e1f0], littleEndian: false, compress: compressSha1 },
  sha256: {
    octets: 32,
    initial: [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19],
    littleEndian: false,
    compress: compressSha256,
  },
};

export const blockOctets = 64;

function readWords(octets: Uint8Array, littleEndian: boolean): Uint32Array {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  return Uint32Array.from({ length: octets.length / 4 }, (_, i) => view.getUint32(4 * i, littleEndian));
}

function writeWords(words: Uint32Array, littleEndian: boolean): Buffer {
  const octets = Buffer.alloc(4 * words.length);
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  words.forEach((word, i) => {
    view.setUint32(4 * i, word, littleEndian);
  });
  return octets;
}

/** The state after one whole block, from the standard initial value. */
export function stateAfterBlock(hash: HmacHash, block: Uint8Array): Buffer {
  const { initial, littleEndian, compress } = hashFunctions[hash];
  const state = Uint32Array.from(initial);
  compress(state, readWords(block, littleEndian));
  return writeWords(state, littleEndian);
}

/** Continues from a state that has taken one block, hashes `text` and finishes. */
export function finishFromState(hash: HmacHash, state: Uint8Array, text: Uint8Array): Buffer {
  const { littleEndian, compress } = hashFunctions[hash];
  const words = readWords(state, littleEndian);
  const padded = Buffer.alloc(Math.ceil((text.length + 9) / blockOctets) * blockOctets);
  padded.set(text);
  padded[text.length] = 0x80;
  const bits = (blockOctets + text.length) * 8;
  if (littleEndian) padded.writeUInt32LE(bits, padded.length - 8);
  else padded.writeUInt32BE(bits, padded.length - 4);
  for (let start = 0; start < padded.length; start += blockOctets) {
    compress(words, readWords(padded.subarray(start, start + blockOctets), littleEndian));
  }
  return writeWords(words, littleEndian);
}
