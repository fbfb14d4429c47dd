import type { ReadAt } from '../../message/line-ends.ts';
import { type MessageStructure, parseStructure } from '../../message/structure.ts';
import type { OpenMessage } from '../../store/open-message.ts';

/** A message's octets: a file, or what stands for one that has gone. */
export interface Source {
  readonly sizeOctets: number;
  readonly read: ReadAt;
  /** Found when it is asked for. @throws {MailError} expunged, unavailable */
  structure(): MessageStructure | Promise<MessageStructure>;
  close(): void;
}

export function sourceOf(file: OpenMessage, structure: Source['structure']): Source {
  return {
    sizeOctets: file.sizeOctets,
    read: (into, position) => file.read(into, position),
    structure,
    close: () => file.close(),
  };
}

const unavailable = Buffer.from(
  'From: System Administrator <root@localhost>\nSubject: message unavailable\n\n' +
    'This message is no longer available on the server.\n',
);

/** What is read of a message that somebody has removed and the client has not been told of. */
export function goneSource(): Source {
  return {
    sizeOctets: unavailable.length,
    read: (into, position) => unavailable.copy(into, 0, position),
    structure: () => parseStructure(unavailable),
    close: () => {},
  };
}

const pieceOctets = 65_536;

/** The octets of a range of the file, in pieces that are the caller's to keep. */
export function* pieces(read: ReadAt, start: number, end: number): Generator<Buffer> {
  for (let at = start; at < end; ) {
    const piece = Buffer.allocUnsafe(Math.min(pieceOctets, end - at));
    const got = read(piece, at);
    if (got <= 0) return;
    yield piece.subarray(0, got);
    at += got;
  }
}
