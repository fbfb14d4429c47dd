import { decodeTransfer } from '../../message/binary.ts';
import { decodeCharset } from '../../message/charset.ts';
import type { Part } from '../../message/part.ts';
import { previewPart, previewText } from '../../message/preview.ts';
import { parameterValue } from '../../message/words.ts';
import { computed } from '../../store/computed.ts';
import type { Description } from '../../store/describe.ts';
import type { Folder } from '../../store/folder.ts';

/** Octets of a part that are read for a preview. */
const partOctets = 65_536;
/** A larger message's preview takes too long for a client that can do without (LAZY). */
const lazyOctets = 1 << 20;

/**
 * PREVIEW as it is sent (RFC 8970): from the message cache, else out of the message.
 * @throws {MailError} expunged, unavailable: the message cannot be read
 */
export function previewValue(
  folder: Folder,
  row: number,
  description: Description,
  isLazy: boolean,
  utf8: boolean,
): Buffer {
  let preview = folder.computed.get(row, computed.preview);
  if (preview === undefined) {
    if (isLazy && description.sizeOctets > lazyOctets) return Buffer.from('NIL');
    preview = makePreview(folder, row, description);
    folder.computed.put(row, computed.preview, preview);
  }
  return asString(preview, utf8);
}

function makePreview(folder: Folder, row: number, { structure }: Description): Buffer {
  const part = previewPart(structure.root);
  if (part === undefined) return Buffer.alloc(0);
  const message = folder.open(row);
  try {
    const octets = Buffer.allocUnsafe(Math.min(partOctets, part.end - part.bodyStart));
    const length = message.read(octets, part.bodyStart);
    return Buffer.from(previewText(textOf(part, octets.subarray(0, length)), part.subtype === 'html'));
  } finally {
    message.close();
  }
}

function textOf(part: Part, octets: Buffer): string {
  const decoded = decodeTransfer(octets, part.encoding) ?? octets;
  const charset = parameterValue(part.parameters, 'charset') ?? 'utf-8';
  return decodeCharset(decoded, charset) ?? decoded.toString('latin1');
}

/** Quoted where the client can read it so; else a literal. */
function asString(text: Buffer, utf8: boolean): Buffer {
  if (!utf8 && text.some((octet) => octet > 0x7e))
    return Buffer.concat([Buffer.from(`{${text.length}}\r\n`), text]);
  return Buffer.from(`"${text.toString('latin1').replace(/["\\]/g, '\\$&')}"`, 'latin1');
}
