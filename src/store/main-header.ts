/** Messages' main headers: clients that keep little ask for fields of them again and again. */
import { computed } from './computed.ts';
import type { Folder } from './folder.ts';

/** A longer header is not kept; all of a message that is not longer is read at once. */
const longestHeader = 1 << 16;

let scratch: Buffer | undefined;

/**
 * The main header of a row's message as in the file, its empty line included: from the cache, or from the file and
 * into the cache. Nothing else of the message is looked at.
 * @returns valid until the next call for any message; undefined: it is too long
 * @throws {MailError} expunged, unavailable
 */
export function mainHeader(folder: Folder, row: number): Buffer | undefined {
  const known = folder.computed.get(row, computed.header);
  if (known !== undefined) return known;
  scratch ??= Buffer.allocUnsafeSlow(longestHeader);
  let octets = folder.readSmall(row, scratch, 0, longestHeader);
  const isWhole = octets >= 0;
  if (!isWhole) octets = readBeginning(folder, row, scratch);
  const found = headerEnd(scratch.subarray(0, octets));
  if (found < 0 && !isWhole && octets === longestHeader) return undefined;
  const header = scratch.subarray(0, found < 0 ? octets : found);
  folder.computed.put(row, computed.header, header);
  return header;
}

/** Puts the main header of a message into the cache that has just been read for something else. */
export function keepHeader(folder: Folder, row: number, header: Uint8Array): void {
  if (header.length <= longestHeader && !folder.computed.has(row, computed.header))
    folder.computed.put(row, computed.header, header);
}

function readBeginning(folder: Folder, row: number, into: Buffer): number {
  const message = folder.open(row);
  try {
    for (let filled = 0; ; ) {
      const got = filled === into.length ? 0 : message.read(into.subarray(filled), filled);
      if (got === 0) return filled;
      filled += got;
    }
  } finally {
    message.close();
  }
}

/** Behind the first empty line; -1 if there is none. */
function headerEnd(octets: Buffer): number {
  for (let at = 0; ; ) {
    const lf = octets.indexOf(10, at);
    if (lf < 0) return -1;
    if (lf === at || (lf === at + 1 && octets[at] === 13)) return lf + 1;
    at = lf + 1;
  }
}
