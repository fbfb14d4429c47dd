/** What must hold for every message, however damaged: asserted by property tests and the fuzz target. */
import assert from 'node:assert/strict';
import { serializeBody } from '../../src/message/bodystructure.ts';
import { envelopeText } from '../../src/message/envelope.ts';
import { type ReadAt, toWire, wirePieces } from '../../src/message/line-ends.ts';
import { findPart, locateSection, type SectionRange } from '../../src/message/section.ts';
import {
  createStructureParser,
  isMessageType,
  type MessageStructure,
  type Part,
} from '../../src/message/structure.ts';

/** Numbers below a bound; any source. */
export type Random = (below: number) => number;

/** A reproducible source (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % Math.max(1, below);
  };
}

/** The structure found when the octets come in pieces of random length. */
export function parseInPieces(octets: Buffer, random: Random): MessageStructure {
  const parser = createStructureParser();
  for (let at = 0; at < octets.length; ) {
    const length = 1 + random(random(2) === 0 ? 4 : 200_000);
    // A copy that is overwritten afterwards: the parser must not keep it.
    const piece = Buffer.from(octets.subarray(at, at + length));
    parser.write(piece);
    piece.fill(0x2d);
    at += length;
  }
  return parser.end();
}

export function readerOf(octets: Buffer): ReadAt {
  return (into, position) => octets.copy(into, 0, position);
}

/** Asserts that counts and offsets agree with the octets and with each other. */
export function checkStructure(octets: Buffer, structure: MessageStructure): void {
  const lines = new Uint32Array(octets.length + 1);
  const bare = new Uint32Array(octets.length + 1);
  for (let at = 0; at < octets.length; at++) {
    const isLf = octets[at] === 10;
    lines[at + 1] = lines[at]! + (isLf ? 1 : 0);
    bare[at + 1] = bare[at]! + (isLf && octets[at - 1] !== 13 ? 1 : 0);
  }
  const { root } = structure;
  assert.equal(structure.sizeOctets, octets.length);
  assert.equal(structure.wireOctets, octets.length + bare[octets.length]!);
  assert.deepEqual([root.headerStart, root.end], [0, octets.length]);
  let parts = 0;
  const visit = (part: Part, depth: number) => {
    assert.ok(++parts <= 10_000 && depth <= 100, 'limits');
    assert.ok(part.headerStart <= part.bodyStart && part.bodyStart <= part.end, 'order');
    assert.equal(part.bareLfBefore, bare[part.headerStart]);
    assert.equal(part.headerBareLf, bare[part.bodyStart]! - bare[part.headerStart]!);
    assert.equal(part.bodyBareLf, bare[part.end]! - bare[part.bodyStart]!);
    assert.equal(part.bodyLines, lines[part.end]! - lines[part.bodyStart]!);
    checkChildren(octets, part);
    for (const child of part.parts) visit(child, depth + 1);
  };
  visit(root, 1);
}

function checkChildren(octets: Buffer, part: Part): void {
  if (isMessageType(part)) {
    assert.ok(part.parts.length <= 1);
    const embedded = part.parts[0];
    if (embedded) assert.deepEqual([embedded.headerStart, embedded.end], [part.bodyStart, part.end]);
    return;
  }
  if (part.parts.length > 0) assert.equal(part.type, 'multipart');
  let before = part.bodyStart;
  for (const [index, child] of part.parts.entries()) {
    assert.ok(child.headerStart >= before && child.end <= part.end, 'inside the parent, after its brother');
    const boundary = part.parameters.find(([name]) => name === 'boundary')![1].replace(/[ \t]+$/, '');
    const between = octets.toString('latin1', before, child.headerStart);
    const line = `(^|\n)--${boundary.replace(/[^A-Za-z0-9]/g, '\\$&')}[ \t]*\r?\n?$`;
    assert.match(between, new RegExp(line));
    if (index > 0) assert.match(between, /^(\r?\n)?--/, 'only the line end before the boundary is left out');
    before = child.end;
  }
}

/** Asserts that what IMAP sends is well-formed: quoted strings, NIL, numbers, lists; no octet a client could trip over. */
export function checkSerialized(structure: MessageStructure): void {
  for (const utf8 of [false, true]) {
    checkList(Buffer.from(envelopeText(structure.root.envelope!, utf8), 'latin1'), utf8);
    for (const extended of [false, true]) checkList(serializeBody(structure, extended, utf8), utf8);
  }
}

function checkList(octets: Buffer, utf8: boolean): void {
  const text = octets.toString('utf8');
  assert.ok(!text.includes('\ufffd') || utf8, 'valid');
  assert.equal(Buffer.from(text).compare(octets), 0, 'valid UTF-8');
  if (!utf8) assert.match(text, /^[\x01-\x7f]*$/);
  let depth = 0;
  let at = 0;
  const token = /"(?:[^"\\\r\n\0]|\\["\\])*"|NIL|\d+|[() ]/y;
  while (at < text.length) {
    token.lastIndex = at;
    const found = token.exec(text)?.[0];
    assert.ok(found !== undefined, `token at ${at}: ${text.slice(at, at + 40)}`);
    if (found === '(') depth++;
    if (found === ')') depth--;
    at += found.length;
    assert.ok(depth > 0 || at === text.length, 'one list');
  }
  assert.equal(depth, 0);
}

/** Asserts that sections have the octets of the plain conversion, whole and in partials. */
export function checkSections(octets: Buffer, structure: MessageStructure, random: Random): void {
  const numbers: number[] = [];
  for (let depth = random(4); depth > 0; depth--) numbers.push(1 + random(3));
  for (const what of ['all', 'header', 'text'] as const) {
    const range = locateSection(structure, { part: numbers, what, fields: [] });
    assert.equal(range === undefined, findPart(structure, numbers) === undefined);
    if (range) checkRange(octets, structure, range, random);
  }
}

function checkRange(octets: Buffer, structure: MessageStructure, range: SectionRange, random: Random): void {
  const wire = toWire(octets.subarray(range.start, range.end));
  assert.equal(wire.length, range.wireOctets);
  const read = readerOf(octets);
  assert.ok(Buffer.concat([...wirePieces(read, structure, range)]).equals(wire), 'whole');
  const offset = random(wire.length + 10);
  const count = random(wire.length + 10);
  const partial = Buffer.concat([...wirePieces(read, structure, range, { offset, count })]);
  assert.ok(partial.equals(wire.subarray(offset, offset + count)), `partial ${offset}.${count}`);
}
