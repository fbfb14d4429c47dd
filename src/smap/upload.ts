/** Takes the octets of an upload (smap §2) from the client, in whatever segments they come. */
import { MailError } from '../base/mail-error.ts';
import { DotReader, type Upload } from './framing.ts';
import type { SmapSession } from './session.ts';

const pieceOctets = 65_536;

/** Where the octets go; they are not kept. */
type Sink = (octets: Buffer) => Promise<void>;

/**
 * Takes a whole upload, also if its octets cannot be used: what follows is the next command.
 * @throws {MailError} tooBig, or what the sink threw; {ClientGone}, {TimedOut}
 */
export async function receive(session: SmapSession, upload: Upload, sink: Sink): Promise<void> {
  const limit = session.settings.limits.appendOctets;
  let octets = 0;
  let failure: unknown;
  const take: Sink = async (piece) => {
    octets += piece.length;
    if (octets > limit) failure ??= new MailError('tooBig', 'the message is too large');
    if (failure !== undefined) return;
    try {
      await sink(piece);
    } catch (error) {
      failure = error;
    }
  };
  await (upload.kind === 'lines' ? receiveLines(session, take) : receivePieces(session, upload.first, take));
  if (failure !== undefined) throw failure;
}

async function receiveLines({ link, settings }: SmapSession, take: Sink): Promise<void> {
  const reader = new DotReader();
  while (!reader.isOver) {
    const octets = await link.octets(pieceOctets, settings.limits.literalMs);
    const { pieces, used } = reader.take(octets);
    for (const piece of pieces) await take(piece);
    link.unread(octets.subarray(used));
  }
}

/** Pieces, each followed by a line: the length of the next one, or something else at the end. */
async function receivePieces({ link, settings }: SmapSession, first: number, take: Sink): Promise<void> {
  const { literalMs } = settings.limits;
  for (let size: number | undefined = first; size !== undefined; ) {
    for (let left = size; left > 0; ) {
      const octets = await link.octets(Math.min(left, pieceOctets), literalMs);
      left -= octets.length;
      await take(octets);
    }
    const line = await link.line(literalMs);
    const text = line.octets.toString('latin1');
    size = line.kind === 'line' && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  }
}
