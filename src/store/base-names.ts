/** A name that is looked for, in octets. */
const wanted = Buffer.alloc(256);

export interface SavedNames {
  /** Room behind the octets in use is for more names. */
  readonly block: Buffer;
  readonly used: number;
  readonly table: Int32Array;
  readonly garbage: number;
  readonly records: number;
  readonly slotsUsed: number;
}

/**
 * The base names of a folder's messages: one block of octets and an open-addressing hash of offsets into it, no
 * object per name. A record is the UID (4 octets), the length (1) and the name's octets; a record never moves
 * while somebody holds the block, so (block, offsets) can be read while names come and go.
 */
export class BaseNames {
  /** Longest name a record holds: that of a file system. */
  static readonly maxLength = 255;
  block: Buffer;
  #used = 0;
  #garbage = 0;
  #records = 0;
  /** Offset + 1 of a record; 0 is free, -1 was in use. */
  #table: Int32Array;
  #slotsUsed = 0;

  constructor(expectedNames = 0, expectedOctets = 0) {
    this.block = Buffer.alloc(Math.max(256, expectedOctets));
    let slots = 16;
    while (slots * 0.8 < expectedNames) slots *= 2;
    this.#table = new Int32Array(slots);
  }

  /** Everything, for a file; the arrays are the names' own. */
  save(): SavedNames {
    return {
      block: this.block.subarray(0, this.#used),
      used: this.#used,
      table: this.#table,
      garbage: this.#garbage,
      records: this.#records,
      slotsUsed: this.#slotsUsed,
    };
  }

  /** Takes what `save` gave; the arrays are used and changed. */
  static restore({ block, used, table, garbage, records, slotsUsed }: SavedNames): BaseNames {
    const names = new BaseNames();
    names.block = block;
    names.#used = used;
    names.#table = table;
    names.#garbage = garbage;
    names.#records = records;
    names.#slotsUsed = slotsUsed;
    return names;
  }

  /** Octets held, for tests and measurements. */
  get octets(): number {
    return this.block.byteLength + this.#table.byteLength;
  }

  /** Whether half of the block is names that have gone. */
  get isWasteful(): boolean {
    return this.#garbage > 4096 && this.#garbage * 2 > this.#used;
  }

  /** Adds a name that is not there yet; its offset. */
  add(uid: number, name: string, length: number): number {
    const at = this.#reserve(uid, length);
    this.block.write(name, at + 5, length, 'latin1');
    this.#insert(at);
    return at;
  }

  /** Adds the name `octets[start, end)` that is not there yet; its offset. */
  addOctets(uid: number, octets: Uint8Array, start: number, end: number): number {
    const at = this.#reserve(uid, end - start);
    const block = this.block;
    for (let from = start, to = at + 5; from < end; ) block[to++] = octets[from++]!;
    this.#insert(at);
    return at;
  }

  /** Adds a record of another block; its offset. */
  addRecord(block: Buffer, offset: number): number {
    const length = block[offset + 4]!;
    const at = this.#reserve(0, length);
    block.copy(this.block, at, offset, offset + 5 + length);
    this.#insert(at);
    return at;
  }

  /** The UID of the name `name[0, length)`, or 0. */
  find(name: string, length: number): number {
    if (length > BaseNames.maxLength) return 0;
    wanted.write(name, 0, length, 'latin1');
    return this.findOctets(wanted, 0, length);
  }

  /** The UID of the name `octets[start, end)`, or 0. */
  findOctets(octets: Uint8Array, start: number, end: number): number {
    const length = end - start;
    const table = this.#table;
    const mask = table.length - 1;
    const block = this.block;
    for (let slot = hashOf(octets, start, length) & mask; table[slot] !== 0; slot = (slot + 1) & mask) {
      const at = table[slot]! - 1;
      if (at < 0 || block[at + 4] !== length) continue;
      let i = length - 1;
      while (i >= 0 && block[at + 5 + i] === octets[start + i]) i--;
      if (i < 0) return this.uidAt(at);
    }
    return 0;
  }

  uidAt(offset: number): number {
    const block = this.block;
    return (
      (block[offset]! |
        (block[offset + 1]! << 8) |
        (block[offset + 2]! << 16) |
        (block[offset + 3]! << 24)) >>>
      0
    );
  }

  /** The name of a record, as a latin1 string. */
  nameAt(offset: number): string {
    return nameInBlock(this.block, offset);
  }

  /** Forgets the name of a record. */
  remove(offset: number): void {
    const table = this.#table;
    const mask = table.length - 1;
    const length = this.block[offset + 4]!;
    let slot = hashOf(this.block, offset + 5, length) & mask;
    while (table[slot] !== offset + 1) {
      if (table[slot] === 0) return;
      slot = (slot + 1) & mask;
    }
    table[slot] = -1;
    this.#records--;
    this.#garbage += length + 5;
  }

  #reserve(uid: number, length: number): number {
    if (length > BaseNames.maxLength) throw new RangeError('file name too long');
    if (this.#used + length + 5 > this.block.length) {
      const grown = Buffer.alloc(Math.ceil(this.block.length * 1.125) + length + 4096);
      grown.set(this.block.subarray(0, this.#used));
      this.block = grown;
    }
    const at = this.#used;
    const block = this.block;
    block[at] = uid;
    block[at + 1] = uid >>> 8;
    block[at + 2] = uid >>> 16;
    block[at + 3] = uid >>> 24;
    block[at + 4] = length;
    this.#used = at + length + 5;
    return at;
  }

  #insert(offset: number): void {
    if (this.#slotsUsed + 1 > this.#table.length * 0.8) this.#rehash();
    const mask = this.#table.length - 1;
    let slot = hashOf(this.block, offset + 5, this.block[offset + 4]!) & mask;
    while (this.#table[slot]! > 0) slot = (slot + 1) & mask;
    if (this.#table[slot] === 0) this.#slotsUsed++;
    this.#table[slot] = offset + 1;
    this.#records++;
  }

  #rehash(): void {
    let slots = 16;
    while (slots * 0.6 < this.#records + 1) slots *= 2;
    const old = this.#table;
    const table = new Int32Array(slots);
    const mask = slots - 1;
    for (const entry of old) {
      if (entry <= 0) continue;
      let slot = hashOf(this.block, entry + 4, this.block[entry + 3]!) & mask;
      while (table[slot] !== 0) slot = (slot + 1) & mask;
      table[slot] = entry;
    }
    this.#table = table;
    this.#slotsUsed = this.#records;
  }
}

/** The name of a record in a block of octets, also one that has gone since the block was taken. */
export function nameInBlock(block: Buffer, offset: number): string {
  const start = offset + 5;
  return block.toString('latin1', start, start + block[offset + 4]!);
}

function hashOf(octets: Uint8Array, start: number, length: number): number {
  const end = start + length;
  let hash = length;
  let at = start;
  for (; at + 3 < end; at += 4) {
    const four = octets[at]! | (octets[at + 1]! << 8) | (octets[at + 2]! << 16) | (octets[at + 3]! << 24);
    hash = Math.imul(hash ^ four, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ octets[at]!, 0x01000193);
  return (hash ^ (hash >>> 13)) >>> 0;
}
