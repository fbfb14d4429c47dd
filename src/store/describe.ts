/**
 * What was computed about messages: the texts and sizes are in the folder's cache; of structures the latest are in
 * memory, and those of messages that take long to read are in the cache too.
 */
import { read } from 'node:fs';
import { MailError } from '../base/mail-error.ts';
import { serializeBody } from '../message/bodystructure.ts';
import { createStructureParser, type MessageStructure, parseStructure } from '../message/structure.ts';
import { computed } from './computed.ts';
import {
  descriptionRecord,
  readStructure,
  structureRecord,
  textsAt,
  utf8Record,
  utf8TextsAt,
} from './description-record.ts';
import { asMailError } from './errno.ts';
import type { Folder } from './folder.ts';
import { keepHeader } from './main-header.ts';
import { limitCacheMemory } from './message-cache.ts';
import type { OpenMessage } from './open-message.ts';

/** Messages up to this size are read and parsed at once. */
const smallOctets = 1 << 20;
/** The structure of a larger message is kept in the cache. */
const quickOctets = 1 << 16;
const pieceOctets = 1 << 18;
const keptStructures = 1000;

/** Sets how much memory the descriptions of this process may take where no file keeps them. */
export const limitDescriptions = limitCacheMemory;

/** One message, described. Its octets never change, so neither does this. */
export class Description {
  /** Octets of the file. */
  readonly sizeOctets: number;
  /** RFC822.SIZE: with every line end CRLF. */
  readonly wireOctets: number;
  readonly #hasEightBit: boolean;
  readonly #folder: Folder;
  readonly #uid: number;

  /** @param content  of the message's record in the cache */
  constructor(folder: Folder, uid: number, content: Buffer, start: number) {
    this.wireOctets = content.readDoubleLE(start);
    this.sizeOctets = content.readDoubleLE(start + 8);
    this.#hasEightBit = content.readUInt32LE(start + 20) !== 0;
    this.#folder = folder;
    this.#uid = uid;
  }

  /** @throws {MailError} expunged, unavailable: it had to be found again, and the file has gone */
  get structure(): MessageStructure {
    return structureOf(this.#folder, this.#uid);
  }

  /** ENVELOPE as IMAP sends it. @throws as `structure` */
  envelope(utf8: boolean): Buffer {
    const texts = this.#texts(utf8);
    return texts.octets.subarray(0, texts.envelopeLength);
  }

  /** BODY, or BODYSTRUCTURE if extended, as IMAP sends it. @throws as `structure` */
  body(extended: boolean, utf8: boolean): Buffer {
    if (!extended) return this.#plainBody(utf8 && this.#hasEightBit);
    const texts = this.#texts(utf8);
    return texts.octets.subarray(texts.envelopeLength);
  }

  /** A copy of ENVELOPE and BODYSTRUCTURE. */
  #texts(utf8: boolean): { readonly octets: Buffer; readonly envelopeLength: number } {
    const folder = this.#folder;
    const cache = folder.computed;
    const differs = utf8 && this.#hasEightBit;
    const kind = differs ? computed.descriptionUtf8 : computed.description;
    const row = folder.rowOf(this.#uid);
    const lengthAt = differs ? 0 : 16;
    const at = differs ? utf8TextsAt : textsAt;
    if (row >= 0 && cache.find(row, kind)) {
      const { octets, start, end } = cache;
      return {
        octets: Buffer.from(octets.subarray(start + at, end)),
        envelopeLength: octets.readUInt32LE(start + lengthAt),
      };
    }
    const content = differs ? utf8Record(this.structure) : descriptionRecord(this.structure);
    const after = folder.rowOf(this.#uid);
    if (after >= 0) cache.put(after, kind, content);
    return { octets: Buffer.from(content.subarray(at)), envelopeLength: content.readUInt32LE(lengthAt) };
  }

  #plainBody(utf8: boolean): Buffer {
    const folder = this.#folder;
    const kind = utf8 ? computed.bodyUtf8 : computed.body;
    const row = folder.rowOf(this.#uid);
    const known = row < 0 ? undefined : folder.computed.get(row, kind);
    if (known) return Buffer.from(known);
    const body = serializeBody(this.structure, false, utf8);
    const after = folder.rowOf(this.#uid);
    if (after >= 0) folder.computed.put(after, kind, body);
    return body;
  }
}

/** Of the message described last: its parts are often asked for next. */
let latest:
  | { readonly folder: Folder; readonly uid: number; readonly structure: MessageStructure }
  | undefined;
/** By folder and UID, the longest unused first. */
const structures = new Map<string, MessageStructure>();
const pending = new Map<string, Promise<Description>>();
const serials = new WeakMap<Folder, number>();
let lastSerial = 0;

function keyOf(folder: Folder, uid: number): string {
  const serial = serials.get(folder) ?? ++lastSerial;
  serials.set(folder, serial);
  return `${serial}:${uid}`;
}

function keepStructure(key: string, structure: MessageStructure): void {
  structures.delete(key);
  structures.set(key, structure);
  if (structures.size > keptStructures) structures.delete(structures.keys().next().value!);
}

function structureOf(folder: Folder, uid: number): MessageStructure {
  if (latest?.folder === folder && latest.uid === uid) return latest.structure;
  const key = keyOf(folder, uid);
  const row = folder.rowOf(uid);
  const structure = structures.get(key) ?? keptStructure(folder, row) ?? parseNow(folder, row);
  keepStructure(key, structure);
  return structure;
}

function keptStructure(folder: Folder, row: number): MessageStructure | undefined {
  const content = row < 0 ? undefined : folder.computed.get(row, computed.structure);
  return content && readStructure(content);
}

/**
 * Describes the message of a row: at once if it is known or small, else after reading it through the thread pool.
 * @param withHeader  if the message is read at once, its main header goes into the cache too
 * @throws {MailError} expunged, unavailable; also as the promise's rejection
 */
export function describe(
  folder: Folder,
  row: number,
  withHeader = false,
): Description | Promise<Description> {
  const uid = folder.uids[row]!;
  const known = knownDescription(folder, row);
  if (known) return known;
  const waiting = folder.computed.ready();
  if (waiting !== undefined) return waiting.then(() => describe(folder, presentRow(folder, uid), withHeader));
  const again = knownDescription(folder, row);
  if (again) return again;
  const beingRead = pending.size === 0 ? undefined : pending.get(keyOf(folder, uid));
  if (beingRead !== undefined) return beingRead;
  const structure = parseQuickly(folder, row);
  if (structure !== undefined) {
    if (withHeader) keepHeader(folder, row, scratch.subarray(0, structure.root.bodyStart));
    return keep(folder, uid, structure);
  }
  const message = folder.open(row);
  if (message.sizeOctets > smallOctets) return describeLarge(folder, uid, message);
  try {
    return keep(folder, uid, parseSmall(message));
  } finally {
    message.close();
  }
}

function presentRow(folder: Folder, uid: number): number {
  const row = folder.rowOf(uid);
  if (row < 0) throw new MailError('expunged', 'the message has gone');
  return row;
}

function knownDescription(folder: Folder, row: number): Description | undefined {
  const cache = folder.computed;
  if (!cache.find(row, computed.description)) return undefined;
  const { octets, start } = cache;
  const isLarge = octets.readDoubleLE(start + 8) > smallOctets;
  const uid = folder.uids[row]!;
  const description = new Description(folder, uid, octets, start);
  // Nobody should have to wait in the middle of an answer.
  if (isLarge && !cache.has(row, computed.structure) && !structures.has(keyOf(folder, uid))) return undefined;
  return description;
}

/** Forgets a message whose file is not what was described. */
export function forgetDescription(folder: Folder, row: number): void {
  structures.delete(keyOf(folder, folder.uids[row]!));
  latest = undefined;
  folder.computed.forget(row);
}

function keep(folder: Folder, uid: number, structure: MessageStructure): Description {
  const content = descriptionRecord(structure);
  const row = folder.rowOf(uid);
  if (row >= 0) {
    folder.computed.put(row, computed.description, content);
    if (structure.sizeOctets > quickOctets)
      folder.computed.put(row, computed.structure, structureRecord(structure));
  }
  latest = { folder, uid, structure };
  if (structure.sizeOctets > smallOctets) keepStructure(keyOf(folder, uid), structure);
  return new Description(folder, uid, content, 0);
}

function describeLarge(folder: Folder, uid: number, message: OpenMessage): Promise<Description> {
  const key = keyOf(folder, uid);
  const described = parseLarge(message)
    .then((structure) => keep(folder, uid, structure))
    .finally(() => {
      message.close();
      pending.delete(key);
    });
  pending.set(key, described);
  return described;
}

let scratch = Buffer.alloc(0);

/** Memory that is used again: a structure keeps nothing of it. */
function scratchFor(octets: number): Buffer {
  if (scratch.length < octets) scratch = Buffer.allocUnsafeSlow(octets + 65536);
  return scratch;
}

/** @returns undefined: the message may be large; nothing is known of it */
function parseQuickly(folder: Folder, row: number): MessageStructure | undefined {
  const octets = folder.readSmall(row, scratchFor(quickOctets), 0, quickOctets);
  return octets < 0 ? undefined : parseStructure(scratch.subarray(0, octets));
}

/** Reads the whole file. */
function parseSmall(message: OpenMessage): MessageStructure {
  const scratch = scratchFor(message.sizeOctets);
  let filled = 0;
  while (filled < message.sizeOctets) {
    const got = message.read(scratch.subarray(filled, message.sizeOctets), filled);
    if (got === 0) break;
    filled += got;
  }
  return parseStructure(scratch.subarray(0, filled));
}

function parseNow(folder: Folder, row: number): MessageStructure {
  if (row < 0) throw new MailError('expunged', 'the message has gone');
  const structure = parseQuickly(folder, row);
  if (structure !== undefined) return structure;
  const message = folder.open(row);
  try {
    return parseSmall(message);
  } finally {
    message.close();
  }
}

async function parseLarge(message: OpenMessage): Promise<MessageStructure> {
  const parser = createStructureParser();
  const piece = Buffer.allocUnsafeSlow(pieceOctets);
  for (let at = 0; ; ) {
    const got = await readPiece(message, piece, at);
    if (got === 0) return parser.end();
    parser.write(piece.subarray(0, got));
    at += got;
  }
}

function readPiece(message: OpenMessage, into: Buffer, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(message.descriptor, into, 0, into.length, position, (error, got) => {
      if (error) reject(asMailError(error, 'the message cannot be read'));
      else resolve(got);
    });
  });
}
