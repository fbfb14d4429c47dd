/** Makes the index of `userdb-index.ts` from the text (what `makeuserdb` does). */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { AuthError } from '../auth-error.ts';
import { hashName, headerOctets, magic, maxRecordOctets, slotOctets, unit } from './userdb-index.ts';
import { readUserdb, type UserdbFile, userdbFiles } from './userdb-text.ts';

/** Names of records, their place in the file. */
interface Written {
  readonly hashes: number[];
  readonly lengths: number[];
  readonly units: number[];
}

/**
 * Reads `source` (a file or a directory) and replaces `target` by a rename; on failure `target` stays as it was.
 * @returns the number of records
 * @throws {AuthError} temporary: permissions, a duplicate name, a record that is too long, no room
 */
export async function makeUserdbIndex(source: string, target: string): Promise<number> {
  const files = userdbFiles(source);
  const temporary = `${target}.tmp`;
  rmSync(temporary, { force: true });
  const fd = openSync(temporary, 'wx', 0o600);
  try {
    const written = await writeRecords(fd, files);
    fsyncSync(fd);
    renameSync(temporary, target);
    return written;
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}

const bufferOctets = 1 << 20;

async function writeRecords(fd: number, files: readonly UserdbFile[]): Promise<number> {
  const names = new Set<string>();
  const written: Written = { hashes: [], lengths: [], units: [] };
  const buffer = Buffer.alloc(bufferOctets + 2 * maxRecordOctets);
  let position = headerOctets;
  let filled = 0;
  await readUserdb(files, (name, fields) => {
    if (names.has(name)) {
      throw new AuthError('temporary', `Cannot store record for ${name} - duplicate or out of disk space.`);
    }
    names.add(name);
    const record = `${name}\t${fields}`;
    if (record.length > maxRecordOctets)
      throw new AuthError('temporary', `The record for ${name} is too long.`);
    written.hashes.push(hashName(name));
    written.lengths.push(record.length);
    written.units.push((position + filled) / unit);
    filled += buffer.write(record, filled, 'latin1');
    do buffer[filled++] = 0x0a;
    while (filled % unit !== 0);
    if (filled < bufferOctets) return;
    writeAll(fd, buffer.subarray(0, filled), position);
    position += filled;
    filled = 0;
  });
  writeAll(fd, buffer.subarray(0, filled), position);
  position += filled;
  const slots = slotTable(written);
  writeAll(fd, slots, position);
  const header = Buffer.alloc(headerOctets);
  header.write(magic, 'latin1');
  header.writeUInt32LE(names.size, 8);
  header.writeUInt32LE(slots.length / slotOctets, 12);
  header.writeBigUInt64LE(BigInt(position), 16);
  writeAll(fd, header, 0);
  return names.size;
}

/** At most half full, so that a look-up reads few slots. */
function slotTable({ hashes, lengths, units }: Written): Buffer {
  const slots = 2 ** Math.max(4, Math.ceil(Math.log2(2 * hashes.length + 1)));
  const table = Buffer.alloc(slots * slotOctets);
  hashes.forEach((hash, i) => {
    let slot = hash & (slots - 1);
    while (table.readUInt32LE(slot * slotOctets + 4) !== 0) slot = (slot + 1) & (slots - 1);
    table.writeUInt32LE(hash, slot * slotOctets);
    table.writeUInt32LE(lengths[i]!, slot * slotOctets + 4);
    table.writeUInt32LE(units[i]!, slot * slotOctets + 8);
  });
  return table;
}

function writeAll(fd: number, octets: Buffer, position: number): void {
  for (let done = 0; done < octets.length; ) {
    done += writeSync(fd, octets, done, octets.length - done, position + done);
  }
}
