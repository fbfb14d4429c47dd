/**
 * APPEND (maildir-store §8.1):
 *
 *   create tmp/y; write; utimes; fsync; (keywords: the same for tmp/k)
 *   under the lock: rename tmp/k courierimapkeywords/BASE; rename tmp/y cur/BASE:2,…; the UID database (assign.ts)
 *
 * Stopping before the second rename leaves files that the purge removes; after it a message without a UID, which
 * the next scan gives one. Requests of several sessions that wait for the lock share it and one write of the database.
 */
import { closeSync, fstatSync } from 'node:fs';
import { MailError } from '../base/mail-error.ts';
import { assignUids, type Incoming } from './assign.ts';
import { asMailError } from './errno.ts';
import { canonicalInfo } from './flags.ts';
import type { FolderState } from './folder-state.ts';
import { deliveryDirectory, discardAll, IncomingFile, removeTemporary } from './incoming-file.ts';
import { prepareKeywords } from './keyword-files.ts';
import { LineEnds } from './line-ends.ts';
import { inTurn } from './lock.ts';
import { baseLength } from './name-order.ts';
import { OpenMessage } from './open-message.ts';
import { refresh, underLock } from './refresh.ts';
import { Slice, turnAfter } from './slices.ts';
import * as steps from './steps.ts';
import { createTemporary, deliveredName, type TemporaryFile } from './unique-names.ts';

export interface Appended {
  readonly uidValidity: number;
  /** One UID per message, in the order given. */
  readonly uids: number[];
}

/** Octets kept in memory before they go to the file. */
const bufferOctets = 65536;

/** One message on its way into a folder: written to `tmp/` with bounded memory until `commitAppends`. */
export class Append {
  /** Bits of `flag`. */
  flags = 0;
  /** Octets as latin1. */
  keywords: readonly string[] = [];
  /** INTERNALDATE in seconds since 1970; undefined is now. */
  dateSeconds: number | undefined;
  readonly #state: FolderState;
  readonly #lineEnds = new LineEnds();
  #file: TemporaryFile | undefined;
  #pieces: Uint8Array[] = [];
  #buffered = 0;
  #size = 0;
  #last = -1;

  constructor(state: FolderState) {
    this.#state = state;
  }

  /** Octets of the file so far (line ends are LF). */
  get sizeOctets(): number {
    return this.#size;
  }

  /** Takes octets as they came from the client; they are not kept. @throws {MailError} overQuota, unavailable */
  async write(chunk: Uint8Array): Promise<void> {
    this.#take(this.#lineEnds.convert(chunk));
    if (this.#buffered >= bufferOctets) this.#flush();
  }

  #take(octets: Uint8Array): void {
    if (octets.length === 0) return;
    this.#pieces.push(octets);
    this.#buffered += octets.length;
    this.#size += octets.length;
    this.#last = octets[octets.length - 1]!;
  }

  #flush(): TemporaryFile {
    try {
      this.#file ??= createTemporary(deliveryDirectory(this.#state), this.#state.settings.hostname);
      for (const piece of joined(this.#pieces)) steps.write(this.#file.descriptor, piece);
      this.#pieces = [];
      this.#buffered = 0;
      return this.#file;
    } catch (error) {
      throw asMailError(error, 'cannot write the message');
    }
  }

  /**
   * Completes the message and opens it for reading, before it is in the folder; nothing may be written any more.
   * The caller closes it. @throws {MailError} overQuota, unavailable
   */
  read(): OpenMessage {
    return new OpenMessage(this.#complete().path);
  }

  #complete(): TemporaryFile {
    this.#take(this.#lineEnds.end());
    if (this.#size > 0 && this.#last !== 10) this.#take(Buffer.from('\n'));
    return this.#flush();
  }

  /** Completes the file and gives it its name to be. @throws {MailError} overQuota, unavailable */
  async prepare(): Promise<Incoming> {
    const state = this.#state;
    const { name, path, descriptor } = this.#complete();
    try {
      if (this.dateSeconds !== undefined) steps.setTimes(descriptor, this.dateSeconds);
      const { durable, keywords } = state.settings;
      const [keywordFile] = await Promise.all([
        keywords > 0 && this.keywords.length > 0
          ? prepareKeywords(state.directory, state.settings, this.keywords)
          : undefined,
        durable ? steps.syncFile(descriptor) : undefined,
      ]);
      const stats = fstatSync(descriptor, { bigint: true });
      return new IncomingFile(state, {
        temporary: path,
        base: deliveredName(name, stats),
        info: canonicalInfo(this.flags),
        mtimeSeconds: Math.max(0, Math.floor(Number(stats.mtimeMs) / 1000)),
        keywordFile,
        keywords: keywordFile === undefined ? [] : this.keywords,
      });
    } catch (error) {
      throw asMailError(error, 'cannot write the message');
    } finally {
      closeSync(descriptor);
      this.#file = undefined;
    }
  }

  /** Forgets the message; its file is removed. Safe to call at any time, also after the commit. */
  abort(): void {
    const file = this.#file;
    this.#file = undefined;
    this.#pieces = [];
    if (!file) return;
    closeSync(file.descriptor);
    removeTemporary(file.path);
  }
}

function joined(pieces: Uint8Array[]): Uint8Array[] {
  return pieces.length > 1 ? [Buffer.concat(pieces)] : pieces;
}

/** All or nothing (MULTIAPPEND). @throws {MailError} overQuota, noPermission, unavailable */
export async function commitAppends(state: FolderState, appends: readonly Append[]): Promise<Appended> {
  const prepared = await Promise.allSettled(appends.map((append) => append.prepare()));
  const incoming = prepared.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const failed = prepared.find((each) => each.status === 'rejected');
  if (failed) {
    await discardAll(incoming);
    throw failed.reason;
  }
  return deliver(state, incoming);
}

/** Puts messages into the target of a folder of links; they get links, and UIDs, as all new messages there do. */
async function deliverToTarget(state: FolderState, incoming: readonly Incoming[]): Promise<Appended> {
  const taken = new Set<string>();
  const slice = new Slice();
  try {
    for (const message of incoming) {
      message.choose(taken);
      message.place();
      if (slice.isLong()) await slice.next();
    }
  } catch (error) {
    for (const message of incoming) {
      message.undo();
      message.discard();
    }
    throw asMailError(error, 'cannot write the message');
  }
  state.followed = undefined;
  await refresh(state);
  const uids = incoming.map(({ name }) => state.columns.names.find(name, baseLength(name)));
  return { uidValidity: state.uidValidity, uids };
}

/** A request to put messages into a folder. */
export interface Delivery {
  readonly incoming: readonly Incoming[];
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: unknown) => void;
}

/** Puts prepared messages into the folder, together with those of others who wait for the lock. */
export function deliver(state: FolderState, incoming: readonly Incoming[]): Promise<Appended> {
  if (state.settings.linkTarget !== undefined) return deliverToTarget(state, incoming);
  return new Promise((resolve, reject) => {
    state.deliveries.push({ incoming, resolve, reject });
    if (state.deliveries.length > 1) return;
    inTurn(state.turnKey, () => deliverWaiting(state)).catch(async (error: unknown) => {
      for (const each of state.deliveries.splice(0)) await refuse(each, error);
    });
  });
}

async function refuse(delivery: Delivery, error: unknown): Promise<void> {
  await discardAll(delivery.incoming);
  delivery.reject(error);
}

async function deliverWaiting(state: FolderState): Promise<void> {
  const ran = await underLock(state, async () => {
    const batch = state.deliveries.splice(0);
    if (await tryDeliver(state, batch, batch.length === 1)) return;
    // One of them is to blame: each for itself.
    for (const each of batch) await tryDeliver(state, [each], true);
  });
  if (!ran) throw new MailError('noPermission', 'the folder cannot be written');
}

async function tryDeliver(state: FolderState, batch: readonly Delivery[], isLast: boolean): Promise<boolean> {
  const incoming = batch.length === 1 ? batch[0]!.incoming : batch.flatMap((each) => each.incoming);
  try {
    const uids = await assignUids(state, incoming);
    await turnAfter(uids.length);
    let at = 0;
    for (const { incoming, resolve } of batch) {
      resolve({ uidValidity: state.uidValidity, uids: uids.slice(at, at + incoming.length) });
      at += incoming.length;
    }
    return true;
  } catch (error) {
    if (isLast) for (const each of batch) await refuse(each, error);
    return false;
  }
}
