/**
 * What was computed about messages, kept for the process within a limit of octets. Of most messages only the
 * texts that were asked for stay; their structure is found again when somebody needs it.
 */
import { read } from 'node:fs';
import { MailError } from '../base/mail-error.ts';
import { serializeBody } from '../message/bodystructure.ts';
import { serializeEnvelope } from '../message/envelope.ts';
import { createStructureParser, type MessageStructure, parseStructure } from '../message/structure.ts';
import { asMailError } from './errno.ts';
import type { Folder } from './folder.ts';
import type { OpenMessage } from './open-message.ts';

/** Messages up to this size are read and parsed at once. */
const smallOctets = 1 << 20;
const pieceOctets = 1 << 18;
/** Structures kept beside the texts. */
const keptStructures = 2000;
/** What an entry takes without its texts, roughly. */
const entryOctets = 200;

let limitOctets = 64 << 20;

/** Sets how much memory the descriptions of this process may take. */
export function limitDescriptions(octets: number): void {
  limitOctets = octets;
  trim();
}

/** One message, described. Its octets never change, so neither does this. */
export class Description {
  /** Octets of the file. */
  readonly sizeOctets: number;
  /** RFC822.SIZE: with every line end CRLF. */
  readonly wireOctets: number;
  readonly #cache: FolderCache;
  readonly #uid: number;
  #structure: MessageStructure | undefined;
  /** By `utf8`; then bodies by `extended` and `utf8`. */
  #texts: (string | undefined)[] | undefined;

  constructor(cache: FolderCache, uid: number, structure: MessageStructure) {
    this.sizeOctets = structure.sizeOctets;
    this.wireOctets = structure.wireOctets;
    this.#cache = cache;
    this.#uid = uid;
    this.#structure = structure;
  }

  /** @throws {MailError} expunged, unavailable: it had to be found again, and the file has gone */
  get structure(): MessageStructure {
    if (!this.#structure) {
      this.#structure = parseNow(this.#cache.folder, this.#cache.folder.rowOf(this.#uid));
      keepStructure(this);
    }
    return this.#structure;
  }

  /** Lets go of the structure where it can be had again in one turn of the event loop. */
  forgetStructure(): void {
    if (this.sizeOctets <= smallOctets) this.#structure = undefined;
  }

  /** ENVELOPE as IMAP sends it. @throws as `structure` */
  envelope(utf8: boolean): Buffer {
    return this.#text(utf8 ? 1 : 0, () => serializeEnvelope(this.structure.root, utf8));
  }

  /** BODY, or BODYSTRUCTURE if extended, as IMAP sends it. @throws as `structure` */
  body(extended: boolean, utf8: boolean): Buffer {
    return this.#text(2 + (extended ? 2 : 0) + (utf8 ? 1 : 0), () =>
      serializeBody(this.structure, extended, utf8),
    );
  }

  #text(index: number, make: () => Buffer): Buffer {
    const known = this.#texts?.[index];
    if (known !== undefined) return Buffer.from(known, 'latin1');
    const octets = make();
    this.#texts ??= [];
    this.#texts[index] = octets.toString('latin1');
    this.#cache.grow(this.#uid, octets.length);
    return octets;
  }
}

/** The descriptions of one folder, the longest unused first. */
class FolderCache {
  readonly folder: Folder;
  readonly entries = new Map<number, { description: Description; octets: number }>();
  readonly pending = new Map<number, Promise<Description>>();
  octets = 0;

  constructor(folder: Folder) {
    this.folder = folder;
  }

  add(uid: number, structure: MessageStructure): Description {
    const description = new Description(this, uid, structure);
    const octets = entryOctets + (structure.sizeOctets > smallOctets ? 4000 : 0);
    this.entries.set(uid, { description, octets });
    this.#count(octets);
    keepStructure(description);
    return description;
  }

  grow(uid: number, octets: number): void {
    const entry = this.entries.get(uid);
    if (!entry) return;
    entry.octets += octets;
    this.#count(octets);
  }

  #count(octets: number): void {
    this.octets += octets;
    total += octets;
    if (total > limitOctets) trim();
  }

  dropOldest(): void {
    const first = this.entries.entries().next().value;
    if (!first) return;
    this.entries.delete(first[0]);
    this.octets -= first[1].octets;
    total -= first[1].octets;
  }
}

let total = 0;
/** The longest unused first. A folder that is let go of takes its cache with it at the next trim. */
const caches = new Map<Folder, FolderCache>();
const structures = new Set<Description>();

function keepStructure(description: Description): void {
  structures.add(description);
  if (structures.size <= keptStructures) return;
  const oldest = structures.values().next().value!;
  structures.delete(oldest);
  oldest.forgetStructure();
}

function trim(): void {
  for (const [folder, cache] of caches) {
    while (total > limitOctets && cache.entries.size > 0) cache.dropOldest();
    if (total <= limitOctets) return;
    caches.delete(folder);
  }
}

/** Forgets what is known of a folder's messages. */
export function forgetDescriptions(folder: Folder): void {
  const cache = caches.get(folder);
  if (!cache) return;
  total -= cache.octets;
  caches.delete(folder);
}

/**
 * Describes the message of a row: at once if it is known or small, else after reading it through the thread pool.
 * @throws {MailError} expunged, unavailable; also as the promise's rejection
 */
export function describe(folder: Folder, row: number): Description | Promise<Description> {
  const cache = cacheOf(folder);
  const uid = folder.uids[row]!;
  const known = cache.entries.get(uid);
  if (known) return known.description;
  const pending = cache.pending.get(uid);
  if (pending !== undefined) return pending;
  const message = folder.open(row);
  if (message.sizeOctets > smallOctets) return describeLarge(cache, uid, message);
  try {
    return cache.add(uid, parseSmall(message));
  } finally {
    message.close();
  }
}

let lastUsed: FolderCache | undefined;

function cacheOf(folder: Folder): FolderCache {
  if (lastUsed?.folder === folder && caches.has(folder)) return lastUsed;
  const cache = caches.get(folder) ?? new FolderCache(folder);
  caches.delete(folder);
  caches.set(folder, cache);
  lastUsed = cache;
  return cache;
}

function describeLarge(cache: FolderCache, uid: number, message: OpenMessage): Promise<Description> {
  const described = parseLarge(message)
    .then((structure) => cache.add(uid, structure))
    .finally(() => {
      message.close();
      cache.pending.delete(uid);
    });
  cache.pending.set(uid, described);
  return described;
}

let scratch = Buffer.alloc(0);

/** Reads the whole file into memory that is used again: the structure keeps nothing of it. */
function parseSmall(message: OpenMessage): MessageStructure {
  if (scratch.length < message.sizeOctets) scratch = Buffer.allocUnsafeSlow(message.sizeOctets + 65536);
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
