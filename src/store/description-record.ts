/**
 * What the cache keeps of every message that was described:
 *
 *    0  octets on the wire, 8  octets of the file: doubles
 *   16  length of the envelope; 20: 1 if the texts differ for clients that enabled UTF8=ACCEPT
 *   24  ENVELOPE, then BODYSTRUCTURE, as they are sent
 *
 * The record for those clients has the two texts only, behind the length of the first.
 */
import { bodyText } from '../message/bodystructure.ts';
import { envelopeText } from '../message/envelope.ts';
import type { MessageStructure } from '../message/structure.ts';

/** Where the envelope begins in a description, and in that for UTF8=ACCEPT. */
export const textsAt = 24;
export const utf8TextsAt = 4;

let scratch = Buffer.alloc(65536);

/** @returns the record's content, valid until the next call */
export function descriptionRecord(structure: MessageStructure): Buffer {
  const envelope = envelopeText(structure.root.envelope ?? {}, false);
  const content = texts(textsAt, envelope, bodyText(structure.root, true, false));
  content.writeDoubleLE(structure.wireOctets, 0);
  content.writeDoubleLE(structure.sizeOctets, 8);
  content.writeUInt32LE(envelope.length, 16);
  content.writeUInt32LE(structure.headerHasEightBit ? 1 : 0, 20);
  return content;
}

/** The same for clients that enabled UTF8=ACCEPT; valid until the next call. */
export function utf8Record(structure: MessageStructure): Buffer {
  const envelope = envelopeText(structure.root.envelope ?? {}, true);
  const content = texts(utf8TextsAt, envelope, bodyText(structure.root, true, true));
  content.writeUInt32LE(envelope.length, 0);
  return content;
}

/** Room for a record, its texts in it already. */
function texts(at: number, envelope: string, body: string): Buffer {
  const octets = at + envelope.length + body.length;
  if (scratch.length < octets) scratch = Buffer.allocUnsafeSlow(octets * 2);
  scratch.write(envelope + body, at, 'latin1');
  return scratch.subarray(0, octets);
}

/** A structure as octets: its texts are latin1, so a character is an octet. */
export function structureRecord(structure: MessageStructure): Buffer {
  return Buffer.from(JSON.stringify(structure), 'latin1');
}

export function readStructure(content: Buffer): MessageStructure {
  return JSON.parse(content.toString('latin1')) as MessageStructure;
}
