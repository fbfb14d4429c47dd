/** Header fields as FETCH sends them (smap §5.5): selected, unfolded or as they are, in pieces of bounded size. */
import type { ContentsWord } from './contents-word.ts';

/** A longer line is told in pieces. */
const longestPiece = 65_536;

/**
 * The lines of selected fields, without an empty line at the end. Octets as latin1; a dot that begins a line is
 * doubled. What is given out together is no longer than a few pieces of the file.
 * @param pieces  the octets of the header
 * @param isRaw  fields stay folded
 */
export function* headerText(
  pieces: Iterable<Buffer>,
  { selects }: Pick<ContentsWord, 'selects'>,
  isRaw: boolean,
): Generator<string> {
  const writer = new FieldWriter(selects, isRaw);
  for (const { text, begins, ends } of lines(pieces)) {
    if (begins && ends && /^\r?$/.test(text)) break;
    const said = writer.take(text, begins);
    if (said !== '') yield said;
  }
  const last = writer.end();
  if (last !== '') yield last;
}

interface PieceOfLine {
  /** Without its end. */
  readonly text: string;
  readonly begins: boolean;
  readonly ends: boolean;
}

function* lines(pieces: Iterable<Buffer>): Generator<PieceOfLine> {
  let carried = '';
  let begins = true;
  for (const piece of pieces) {
    const parts = (carried + piece.toString('latin1')).split('\n');
    carried = parts.pop()!;
    for (const text of parts) {
      yield { text, begins, ends: true };
      begins = true;
    }
    if (carried.length > longestPiece) {
      yield { text: carried, begins, ends: false };
      begins = false;
      carried = '';
    }
  }
  if (carried !== '' || !begins) yield { text: carried, begins, ends: true };
}

class FieldWriter {
  readonly #selects: (name: string) => boolean;
  readonly #isRaw: boolean;
  #isWanted = false;

  constructor(selects: (name: string) => boolean, isRaw: boolean) {
    this.#selects = selects;
    this.#isRaw = isRaw;
  }

  take(line: string, begins: boolean): string {
    const text = line.replace(/\r$/, '');
    if (!begins) return this.#isWanted ? text : '';
    if (/^[ \t]/.test(text)) {
      if (!this.#isWanted) return '';
      return this.#isRaw ? `\n${text}` : ` ${text.trim()}`;
    }
    const before = this.end();
    return before + this.#begin(text);
  }

  #begin(text: string): string {
    const colon = text.indexOf(':');
    const name = (colon < 0 ? text : text.slice(0, colon)).replace(/[ \t]+$/, '');
    this.#isWanted = this.#selects(name.toLowerCase());
    if (!this.#isWanted) return '';
    const value = colon < 0 ? '' : text.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '');
    const field = colon < 0 ? text : `${name}: ${value}`;
    return field.startsWith('.') ? `.${field}` : field;
  }

  /** The end of the line that was begun, if one was. */
  end(): string {
    const wasWanted = this.#isWanted;
    this.#isWanted = false;
    return wasWanted ? '\n' : '';
  }
}
