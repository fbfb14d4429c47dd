/**
 * A message's facts as the message cache keeps them:
 *
 *     0  sent, in seconds, 8  the day it names: doubles
 *    16  1 if the subject is a reply's; 18  how many references (2)
 *    20  texts: twice the length and one, plus 1 if its characters take two octets each (4), and the characters; 0: none
 *
 * Numbers are little-endian. First the texts of `textColumns`, then the references.
 */
import { type MessageFacts, textColumns } from './message-facts.ts';

const textsAt = 20;
const mostReferences = 0xffff;

let scratch = Buffer.alloc(16_384);

/** @returns valid until the next call; undefined: too many references for a record */
export function factsRecord({
  sentSeconds,
  sentDay,
  isReply,
  texts,
  references,
}: MessageFacts): Buffer | undefined {
  if (references.length > mostReferences) return undefined;
  let most = textsAt;
  for (const list of [texts, references]) for (const text of list) most += 4 + 2 * (text?.length ?? 0);
  if (scratch.length < most) scratch = Buffer.allocUnsafeSlow(most * 2);
  scratch.writeDoubleLE(sentSeconds, 0);
  scratch.writeDoubleLE(sentDay, 8);
  scratch.writeUInt16LE(Number(isReply), 16);
  scratch.writeUInt16LE(references.length, 18);
  let at = textsAt;
  for (const list of [texts, references]) for (const text of list) at = writeText(at, text);
  return scratch.subarray(0, at);
}

function writeText(at: number, text: string | undefined): number {
  if (text === undefined) return scratch.writeUInt32LE(0, at);
  const isWide = /[^\0-\xff]/.test(text);
  scratch.writeUInt32LE(2 * (text.length + 1) + Number(isWide), at);
  return at + 4 + scratch.write(text, at + 4, isWide ? 'utf16le' : 'latin1');
}

/** @returns undefined where the octets are no such record */
export function readFactsRecord(octets: Buffer, start: number, end: number): MessageFacts | undefined {
  if (end - start < textsAt) return undefined;
  const count = textColumns.length + octets.readUInt16LE(start + 18);
  const texts: (string | undefined)[] = [];
  let at = start + textsAt;
  for (let i = 0; i < count; i++) {
    if (at + 4 > end) return undefined;
    const head = octets.readUInt32LE(at);
    at += 4;
    if (head === 0) {
      texts.push(undefined);
      continue;
    }
    const length = ((head >>> 1) - 1) * (1 + (head & 1));
    if (at + length > end) return undefined;
    texts.push(octets.toString((head & 1) === 1 ? 'utf16le' : 'latin1', at, at + length));
    at += length;
  }
  return {
    sentSeconds: octets.readDoubleLE(start),
    sentDay: octets.readDoubleLE(start + 8),
    isReply: octets.readUInt16LE(start + 16) === 1,
    references: texts.splice(textColumns.length) as string[],
    texts,
  };
}
