/**
 * The push parser behind MessageStructure. It works on lines: a line that a piece of input breaks off is kept
 * up to a bounded length (enough for a header field or a boundary), everything else is only counted. In bodies
 * that is one `indexOf` per line and a look at two octets. Line, octet and bare LF counts are kept for the whole
 * message; a part's are differences, so that depth costs nothing.
 *
 * The line break before a boundary line belongs to the boundary (RFC 2046 §5.1.1), unless it is the empty line
 * that ends the part's header.
 */
import { isAscii } from 'node:buffer';
import { asBuffer } from './octet-text.ts';
import { inherit, isMessageType, type MessageStructure, markInterval, newPart, type Part } from './part.ts';
import { type Budget, HeaderCollector } from './part-header.ts';

export type { Disposition, EnvelopeFields, MessageStructure, Parameter, Part } from './part.ts';
export { isMessageType, markInterval } from './part.ts';

export interface StructureParser {
  /** Takes the next octets; keeps no reference to them. */
  write(octets: Uint8Array): void;
  end(): MessageStructure;
}

const maximumDepth = 100;
const maximumParts = 10_000;
const maximumBoundary = 256;
/** Octets of a line that can be a boundary line, and that are kept of a header line. */
const boundaryLine = 1024;
const headerLine = 65536;
/** Octets of a header that is taken whole: of nearly all, and of the others. */
const usualHeader = 4096;
const wholeHeader = 16_384;
const noOctets = Buffer.alloc(0);
/** Header octets kept in all of a message. */
const headerBudget = 2 << 20;

/** A part whose end is not known yet. */
interface Open {
  readonly part: Part;
  /** `--` and the boundary, while it can open or close parts. */
  delimiter: Buffer | undefined;
  linesBeforeBody: number;
}

/** A boundary line: of which open multipart, and whether a part or its end follows. */
interface Found {
  readonly level: number;
  readonly opens: boolean;
}

export function createStructureParser(): StructureParser {
  return new Parser();
}

/** The structure of a message that is in memory whole. */
export function parseStructure(octets: Uint8Array): MessageStructure {
  const parser = new Parser();
  parser.write(octets);
  return parser.end();
}

class Parser implements StructureParser {
  /** From the root to the innermost part that is open. */
  readonly #open: Open[] = [];
  readonly #root: Part;
  readonly #budget: Budget = { left: headerBudget };
  readonly #marks: number[] = [0];
  #parts = 0;
  /** Set while in a header. */
  #header: HeaderCollector | undefined;
  #headerHasEightBit = false;
  #pieceIsAscii = false;
  /** Offset of the first octet of the next piece. */
  #received = 0;
  /** Of the next line: its offset, LFs and bare LFs before it, octets of the line break before it. */
  #lineStart = 0;
  #lines = 0;
  #bareLf = 0;
  #breakBefore = 0;
  /** The beginning of a line that has not ended yet: its kept and its full length. */
  #kept: Buffer = noOctets;
  #keptLength = 0;
  #lineLength = 0;
  #lastOctet = 0;

  constructor() {
    this.#root = this.#openPart(undefined, true);
  }

  write(octets: Uint8Array): void {
    const piece = asBuffer(octets);
    if (piece.length === 0) return;
    this.#pieceIsAscii = isAscii(piece);
    let at = this.#lineLength > 0 ? this.#finishKeptLine(piece) : 0;
    while (at >= 0 && at < piece.length) {
      at = this.#header === undefined ? this.#bodyLines(piece, at) : this.#headerLines(piece, at);
    }
    this.#addMarks(piece, this.#received + piece.length);
    this.#received += piece.length;
    this.#lastOctet = piece[piece.length - 1]!;
  }

  end(): MessageStructure {
    if (this.#lineLength > 0) this.#lastLine();
    if (this.#header !== undefined) this.#sealHeader(this.#received);
    this.#close(0, this.#received, this.#lines, this.#bareLf);
    return {
      root: this.#root,
      sizeOctets: this.#received,
      wireOctets: this.#received + this.#bareLf,
      headerHasEightBit: this.#headerHasEightBit,
      marks: this.#marks,
    };
  }

  /** @returns where the next line starts, or -1 if the piece ends within the line */
  #finishKeptLine(piece: Buffer): number {
    const lf = piece.indexOf(10);
    this.#keep(piece, 0, lf < 0 ? piece.length : lf);
    if (lf < 0) return -1;
    const isBare = (lf > 0 ? piece[lf - 1] : this.#lastOctet) !== 13;
    const length = this.#lineLength;
    this.#addMarks(piece, this.#received + lf);
    this.#wholeLine(this.#kept, 0, length, isBare);
    this.#keptLength = 0;
    this.#lineLength = 0;
    return lf + 1;
  }

  /** Takes the last line, which has no line end. */
  #lastLine(): void {
    const length = this.#lineLength;
    const found = length <= boundaryLine ? this.#findDelimiter(this.#kept, 0, length) : undefined;
    if (found === undefined) {
      this.#headerLine(this.#kept, 0, this.#keptLength);
      return;
    }
    this.#endParts(found);
    this.#lineStart = this.#received;
    if (found.opens) this.#openPart(this.#open[found.level], false);
  }

  /** Keeps what a line needs from `start` to `end`, the line going on behind it. */
  #keep(piece: Buffer, start: number, end: number): void {
    const inHeader = this.#header !== undefined;
    if (inHeader) this.#checkAscii(piece, start, end);
    this.#lineLength += end - start;
    const take = Math.min(end - start, (inHeader ? headerLine : boundaryLine) - this.#keptLength);
    if (take <= 0) return;
    if (this.#kept.length < this.#keptLength + take) {
      const grown = Buffer.allocUnsafe(Math.max(256, 2 * (this.#keptLength + take)));
      this.#kept.copy(grown, 0, 0, this.#keptLength);
      this.#kept = grown;
    }
    piece.copy(this.#kept, this.#keptLength, start, start + take);
    this.#keptLength += take;
  }

  #headerLine(buffer: Buffer, start: number, end: number): void {
    this.#header?.line(buffer.toString('latin1', start, end), 0, end - start);
  }

  #headerLines(piece: Buffer, start: number): number {
    let at = this.#wholeHeader(piece, start);
    while (this.#header !== undefined) {
      const lf = piece.indexOf(10, at);
      if (lf < 0) {
        this.#checkAscii(piece, start, at);
        if (at < piece.length) this.#keep(piece, at, piece.length);
        return -1;
      }
      this.#addMarks(piece, this.#received + lf);
      this.#wholeLine(piece, at, lf - at, lf === at || piece[lf - 1] !== 13);
      at = lf + 1;
    }
    this.#checkAscii(piece, start, at);
    return at;
  }

  /**
   * Takes a header that is whole in the piece, as text: many small steps on octets cost more.
   * @returns where its body starts, or `start` if it must be taken line by line
   */
  #wholeHeader(piece: Buffer, start: number): number {
    const text = headerText(piece, start);
    if (text === undefined) return start;
    const length = lineEnds[lineCount - 1]! + 1;
    if (start + length >= this.#marks.length * markInterval - this.#received) return start;
    const header = this.#header!;
    let at = 0;
    for (let line = 0; line < lineCount; line++) {
      const lf = lineEnds[line]!;
      const isBare = lf === at || text.charCodeAt(lf - 1) !== 13;
      const end = isBare ? lf : lf - 1;
      if (isBare) this.#bareLf++;
      this.#breakBefore = isBare ? 1 : 2;
      if (end > at) header.line(text, at, end);
      at = lf + 1;
    }
    this.#lines += lineCount;
    this.#lineStart += length;
    this.#endHeader();
    return start + length;
  }

  /** The hot loop: its counters are locals, put back before anything else looks at them. */
  #bodyLines(piece: Buffer, start: number): number {
    const base = this.#received;
    const hasDelimiters = this.#open.some((open) => open.delimiter !== undefined);
    let at = start;
    let { lines, bareLf, breakBefore, nextMark } = this.#counters();
    for (;;) {
      const lf = piece.indexOf(10, at);
      const isSpecial =
        lf < 0 || lf >= nextMark || (hasDelimiters && piece[at] === 45 && piece[at + 1] === 45);
      if (!isSpecial) {
        lines++;
        if (lf > at && piece[lf - 1] === 13) {
          breakBefore = 2;
        } else {
          breakBefore = 1;
          bareLf++;
        }
        at = lf + 1;
        continue;
      }
      this.#lines = lines;
      this.#bareLf = bareLf;
      this.#breakBefore = breakBefore;
      this.#lineStart = base + at;
      if (lf < 0) {
        if (at < piece.length) this.#keep(piece, at, piece.length);
        return -1;
      }
      this.#addMarks(piece, base + lf);
      this.#wholeLine(piece, at, lf - at, lf === at || piece[lf - 1] !== 13);
      at = lf + 1;
      if (this.#header !== undefined) return at;
      ({ lines, bareLf, breakBefore, nextMark } = this.#counters());
    }
  }

  #counters(): { lines: number; bareLf: number; breakBefore: number; nextMark: number } {
    return {
      lines: this.#lines,
      bareLf: this.#bareLf,
      breakBefore: this.#breakBefore,
      nextMark: this.#marks.length * markInterval - this.#received,
    };
  }

  /** Takes a line that an LF ends. `length` is without the LF; of a long line only the beginning is in `buffer`. */
  #wholeLine(buffer: Buffer, start: number, length: number, isBare: boolean): void {
    const content = isBare ? length : length - 1;
    const found = length <= boundaryLine ? this.#findDelimiter(buffer, start, start + content) : undefined;
    if (found !== undefined) this.#endParts(found);
    const isHeaderEnd = found === undefined && content === 0 && this.#header !== undefined;
    if (found === undefined) this.#headerLine(buffer, start, start + Math.min(content, headerLine));
    this.#lineStart += length + 1;
    this.#lines++;
    if (isBare) this.#bareLf++;
    this.#breakBefore = isBare ? 1 : 2;
    if (found?.opens === true) this.#openPart(this.#open[found.level], false);
    else if (isHeaderEnd) this.#endHeader();
  }

  /** Which open multipart the line is a boundary of; exact, but for white space at its end. Innermost first. */
  #findDelimiter(buffer: Buffer, start: number, end: number): Found | undefined {
    if (buffer[start] !== 45 || buffer[start + 1] !== 45) return undefined;
    while (end > start && isPadding(buffer[end - 1]!)) end--;
    for (let level = this.#open.length - 1; level >= 0; level--) {
      const { delimiter } = this.#open[level]!;
      if (delimiter === undefined || !startsWith(buffer, start, end, delimiter)) continue;
      const rest = end - start - delimiter.length;
      if (rest === 0) {
        if (this.#parts < maximumParts) return { level, opens: true };
      } else if (rest === 2 && buffer[end - 1] === 45 && buffer[end - 2] === 45) {
        return { level, opens: false };
      }
    }
    return undefined;
  }

  /** A boundary line of the multipart at `level` begins at `#lineStart`: ends what is open inside it. */
  #endParts({ level, opens }: Found): void {
    if (!opens) this.#open[level]!.delimiter = undefined;
    if (this.#header !== undefined) this.#sealHeader(this.#lineStart);
    const innermost = this.#open[this.#open.length - 1]!.part;
    const end = this.#lineStart - this.#breakBefore;
    if (end < innermost.bodyStart) {
      this.#close(level + 1, this.#lineStart, this.#lines, this.#bareLf);
    } else {
      const bareLf = this.#breakBefore === 1 ? this.#bareLf - 1 : this.#bareLf;
      this.#close(level + 1, end, this.#lines - 1, bareLf);
    }
  }

  #close(keep: number, end: number, lines: number, bareLf: number): void {
    while (this.#open.length > keep) {
      const { part, linesBeforeBody } = this.#open.pop()!;
      part.end = end;
      part.bodyLines = lines - linesBeforeBody;
      part.bodyBareLf = bareLf - part.bareLfBefore - part.headerBareLf;
    }
  }

  /** Opens a part whose header starts at `#lineStart`. */
  #openPart(parent: Open | undefined, isMessage: boolean): Part {
    const part = newPart(this.#lineStart, this.#bareLf);
    if (parent !== undefined) {
      parent.part.parts.push(part);
      if (!isMessage) inherit(part, parent.part);
    }
    this.#parts++;
    this.#open.push({ part, delimiter: undefined, linesBeforeBody: 0 });
    this.#header = new HeaderCollector(isMessage, this.#budget);
    return part;
  }

  /** The header of the innermost part ends, its body begins at `bodyStart`. */
  #sealHeader(bodyStart: number): void {
    const open = this.#open[this.#open.length - 1]!;
    open.part.bodyStart = bodyStart;
    open.part.headerBareLf = this.#bareLf - open.part.bareLfBefore;
    open.linesBeforeBody = this.#lines;
    this.#header!.finish(open.part);
    this.#header = undefined;
  }

  #endHeader(): void {
    this.#sealHeader(this.#lineStart);
    if (this.#open.length >= maximumDepth) return;
    const open = this.#open[this.#open.length - 1]!;
    if (open.part.type === 'multipart') {
      const boundary = open.part.parameters.find(([name]) => name === 'boundary')?.[1] ?? '';
      const delimiter = Buffer.from(`--${boundary}`, 'latin1');
      let length = delimiter.length;
      while (isPadding(delimiter[length - 1]!)) length--;
      if (length > 2 && length <= maximumBoundary) open.delimiter = delimiter.subarray(0, length);
    } else if (isMessageType(open.part) && this.#parts < maximumParts) {
      this.#openPart(open, true);
    }
  }

  /** Notes the marks up to the offset `limit`, which lies in or right behind the piece. */
  #addMarks(piece: Buffer, limit: number): void {
    for (let mark = this.#marks.length * markInterval; mark <= limit; mark += markInterval) {
      const afterCr = piece[mark - 1 - this.#received] === 13;
      this.#marks.push(this.#bareLf * 2 + (afterCr ? 1 : 0));
    }
  }

  #checkAscii(piece: Buffer, start: number, end: number): void {
    if (this.#pieceIsAscii || this.#headerHasEightBit || end === start) return;
    this.#headerHasEightBit = !isAscii(piece.subarray(start, end));
  }
}

/** Of the header that `headerText` has found: where its lines end, the empty one last. */
const lineEnds = new Int32Array(1024);
let lineCount = 0;

/**
 * A text that begins with the header at `start`.
 * @returns undefined if it does not end soon enough, or has a line that could be a boundary
 */
function headerText(piece: Buffer, start: number): string | undefined {
  for (const octets of [usualHeader, wholeHeader]) {
    const text = piece.toString('latin1', start, start + octets);
    const isFound = findLines(text);
    if (isFound) return text;
    if (isFound === false || start + octets >= piece.length) return undefined;
  }
  return undefined;
}

/** @returns false: the header cannot be taken whole; undefined: it does not end here */
function findLines(text: string): boolean | undefined {
  lineCount = 0;
  for (let at = 0; ; ) {
    const lf = text.indexOf('\n', at);
    if (lf < 0) return undefined;
    if (lineCount === lineEnds.length) return false;
    if (text.charCodeAt(at) === 45 && text.charCodeAt(at + 1) === 45) return false;
    lineEnds[lineCount++] = lf;
    if (lf === at || (lf === at + 1 && text.charCodeAt(at) === 13)) return true;
    at = lf + 1;
  }
}

function isPadding(octet: number): boolean {
  return octet === 32 || octet === 9;
}

function startsWith(buffer: Buffer, start: number, end: number, prefix: Buffer): boolean {
  if (end - start < prefix.length) return false;
  for (let at = 2; at < prefix.length; at++) if (buffer[start + at] !== prefix[at]) return false;
  return true;
}
