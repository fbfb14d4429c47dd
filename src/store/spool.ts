/** Messages on their way out of the store: what identifies them, and copies that have no name. */
import { createHash } from 'node:crypto';
import { closeSync } from 'node:fs';
import { asMailError } from './errno.ts';
import { OpenMessage } from './open-message.ts';
import type { StoreSettings } from './settings.ts';
import { nextTurn } from './slices.ts';
import * as steps from './steps.ts';
import { createTemporary } from './unique-names.ts';

const pieceOctets = 262_144;

/** SHA-256 of the file's octets, hexadecimal. @throws {MailError} unavailable */
export async function digestOf(message: OpenMessage): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of piecesOf(message)) hash.update(piece);
  return hash.digest('hex');
}

/**
 * A copy of a message with octets in front of it, in a file that goes when it is closed, whatever happens to us.
 * @throws {MailError} overQuota, unavailable
 */
export async function spool(
  maildir: string,
  settings: StoreSettings,
  front: Buffer,
  message: OpenMessage,
): Promise<OpenMessage> {
  try {
    const { path, descriptor } = createTemporary(maildir, settings.hostname, 'outbox');
    try {
      steps.write(descriptor, front);
      for await (const piece of piecesOf(message)) steps.write(descriptor, piece);
      return new OpenMessage(path);
    } finally {
      closeSync(descriptor);
      steps.unlink(path);
    }
  } catch (error) {
    throw asMailError(error, 'cannot copy the message');
  }
}

/** In memory that is used again for the next piece. */
async function* piecesOf(message: OpenMessage): AsyncGenerator<Buffer> {
  const piece = Buffer.allocUnsafe(Math.min(pieceOctets, message.sizeOctets));
  for (let at = 0; at < message.sizeOctets; await nextTurn()) {
    const got = message.read(piece, at);
    if (got === 0) return;
    yield piece.subarray(0, got);
    at += got;
  }
}
