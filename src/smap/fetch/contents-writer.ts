/** Writes what content words of FETCH ask for (smap §2, §5.5), in pieces, as fast as the client reads. */
import { createTransferDecoder } from '../../message/binary.ts';
import { isMessageType, type Part } from '../../message/part.ts';
import { nextTurn } from '../../store/slices.ts';
import { quoteWord } from '../framing.ts';
import { Refused } from '../refused.ts';
import type { SmapSession } from '../session.ts';
import type { ContentsWord } from './contents-word.ts';
import { headerText } from './header-text.ts';
import { findMimePart, mimeParts } from './mime-parts.ts';
import { pieces, type Source } from './source.ts';

/** @throws {Refused} the message has no such part */
export async function writeContents(
  session: SmapSession,
  number: number,
  source: Source,
  word: ContentsWord,
): Promise<void> {
  if (word.entity === 'MIME') return writeMime(session, number, source, word);
  const isHeader = word.entity === 'HEADERS' || word.entity === 'RAWHEADERS';
  if (isHeader && (word.part === '' || word.part === '1')) {
    // It ends where it ends; the reference estimates none of a whole message.
    const whole = { headerStart: 0, bodyStart: source.sizeOctets };
    return writeHeader(session, source, whole, word, `{.0} FETCH ${number} ${word.entity}`);
  }
  const part = findMimePart(await source.structure(), word.part);
  if (part === undefined) throw new Refused('Cannot retrieve message: Invalid argument');
  if (isHeader) {
    const estimate = part.bodyStart - part.headerStart;
    return writeHeader(session, source, part, word, `{.${estimate}} FETCH ${number} ${word.entity}`);
  }
  const start = word.entity === 'ALL' ? part.headerStart : part.bodyStart;
  const decoder = word.entity === 'BODY.DECODED' ? decoderOf(part) : undefined;
  const octets = part.end - start;
  const total = decoder && part.encoding === 'base64' ? Math.floor(octets / 4) * 3 : octets;
  await writeBody(session, number, total, decoded(pieces(source.read, start, part.end), decoder));
}

/** A block for each part. */
async function writeMime(
  session: SmapSession,
  number: number,
  source: Source,
  word: ContentsWord,
): Promise<void> {
  for (const { id, parent, part } of mimeParts(await source.structure())) {
    const attributes = [
      `LINES=${part.bodyLines}`,
      `SIZE=${part.end - part.bodyStart}`,
      quoteWord(`MIME.ID=${id}`),
      ...(parent === undefined ? [] : [quoteWord(`MIME.PARENT=${parent}`)]),
    ];
    const estimate = part.bodyStart - part.headerStart;
    await writeHeader(session, source, part, word, `{.${estimate}} FETCH ${number} ${attributes.join(' ')}`);
    if (session.ended) return;
  }
}

async function writeHeader(
  session: SmapSession,
  { read }: Source,
  part: Pick<Part, 'headerStart' | 'bodyStart'>,
  word: ContentsWord,
  head: string,
): Promise<void> {
  const { output } = session;
  output.line(head);
  const isRaw = word.entity === 'RAWHEADERS';
  for (const text of headerText(pieces(read, part.headerStart, part.bodyStart), word, isRaw)) {
    output.text(text);
    output.headerOctets += text.length;
    if (output.full) await output.drained();
    if (session.ended) return;
  }
  output.line('.');
}

/** The binary form: each piece behind its length. */
async function writeBody(
  session: SmapSession,
  number: number,
  total: number,
  octets: Iterable<Buffer>,
): Promise<void> {
  const { output } = session;
  let isFirst = true;
  for (const piece of octets) {
    if (piece.length === 0) continue;
    output.text(isFirst ? `{${piece.length}/${total}} FETCH ${number} CONTENTS\n` : `${piece.length}\n`);
    output.octets(piece);
    output.bodyOctets += piece.length;
    isFirst = false;
    if (output.full) await output.drained();
    if (total > piece.length) await nextTurn();
    if (session.ended) return;
  }
  output.text(isFirst ? `{.0} FETCH ${number} CONTENTS\n.\n` : '\n');
}

function* decoded(
  octets: Iterable<Buffer>,
  decoder: ReturnType<typeof createTransferDecoder>,
): Generator<Buffer> {
  if (!decoder) return yield* octets;
  for (const piece of octets) yield decoder.write(piece);
  yield decoder.end();
}

/** undefined: the part's octets are sent as they are. */
function decoderOf(part: Part): ReturnType<typeof createTransferDecoder> {
  const isLeaf = part.type !== 'multipart' && !isMessageType(part);
  return isLeaf ? createTransferDecoder(part.encoding, 'file') : undefined;
}
