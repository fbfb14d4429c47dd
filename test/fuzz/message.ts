/**
 * Fuzz target for src/message: `node test/fuzz/message.ts [seconds] [seed]` mutates and splices messages and asserts
 * that nothing throws and that offsets agree with the octets. A failing input is written to the current directory.
 */
import { writeFileSync } from 'node:fs';
import { parseAddresses } from '../../src/message/address.ts';
import { baseSubject } from '../../src/message/base-subject.ts';
import { decodeTransfer } from '../../src/message/binary.ts';
import { decodeCharset } from '../../src/message/charset.ts';
import { parseDate } from '../../src/message/date.ts';
import { headerFields } from '../../src/message/header.ts';
import { parseMessageIds } from '../../src/message/references.ts';
import { selectFields } from '../../src/message/section.ts';
import { parseStructure } from '../../src/message/structure.ts';
import { headerText, searchableField, textLeaves } from '../../src/message/text.ts';
import { decodeWords } from '../../src/message/words.ts';
import {
  checkSections,
  checkSerialized,
  checkStructure,
  parseInPieces,
  type Random,
  seededRandom,
} from '../support/message-checks.ts';

const seeds = [
  'From: =?utf-8?B?w6Q=?= <a@b>, "x\\"y" (c (d)) <@r:e@[1.2.3.4]>, g: h@i, j;\nTo: \n\nhello\n',
  'Mime-Version: 1.0\nContent-Type: multipart/mixed; boundary="ab"\n\npre\n--ab\nContent-Type: text/html;\n' +
    ' charset="koi8-r"; name*0*=utf-8\'\'%C3; name*1=x\n\nhi\n--ab\nContent-Type: multipart/digest; boundary=abc\n\n' +
    '--abc\n\nSubject: =?iso-2022-jp?Q?=1B$B=46=7C=1B(B?=\nDate: Tue, 24 Nov 2026 16:19:24 +0100\n\ninner\n--abc--\n' +
    '--ab\nContent-Type: message/rfc822\n\nMime-Version: 1.0\nContent-Type: multipart/mixed; boundary=ab\n\n--ab--\n--ab--\nend',
  'Mime-Version: 1.0\r\nContent-Type: text/plain; charset=utf-7\r\nContent-Transfer-Encoding: quoted-printable\r\n' +
    'Subject: Re: [x] Fwd: (fwd)\r\nReferences: <a@b> <"c"@d>\r\n\r\na=C3=A9=\r\n  \r\n=',
  'Mime-Version: 1.0\nContent-Type: text/plain; charset=hz-gb-2312\nContent-Transfer-Encoding: base64\n\nfntWUH59\n',
].map((text) => Buffer.from(text));
const snippets = [
  '\n',
  '\r\n',
  '\r',
  '\0',
  '\n\n',
  '--ab\n',
  '\n--ab--\n',
  '--abc',
  '=?',
  '?=',
  '"',
  '(',
  '<',
  '=',
  '\xe9',
  ' ',
]
  .concat([
    'Content-Type: message/rfc822\n\n',
    'Mime-Version: 1.0\nContent-Type: multipart/mixed; boundary=ab\n\n--ab\n',
  ])
  .map((text) => Buffer.from(text, 'latin1'));

/** A message made from a random source. */
export function mutate(random: Random): Buffer {
  let octets = seeds[random(seeds.length)]!;
  for (let times = 1 + random(8); times > 0; times--) {
    const at = random(octets.length + 1);
    const cut = random(3) === 0 ? random(40) : 0;
    const other = seeds[random(seeds.length)]!;
    const from = random(other.length);
    const insert =
      random(4) === 0 ? other.subarray(from, from + random(200)) : snippets[random(snippets.length)]!;
    const again = random(20) === 0 ? random(3000) : 1;
    const middle = Buffer.concat(new Array<Buffer>(again).fill(insert));
    octets = Buffer.concat([octets.subarray(0, at), middle, octets.subarray(at + cut)]).subarray(0, 300_000);
    if (octets.length > 0 && random(4) === 0) octets[random(octets.length)] = random(256);
  }
  return octets;
}

/** @throws if anything about the message does not hold */
export function checkMessage(octets: Buffer, random: Random): void {
  const structure = parseStructure(octets);
  checkStructure(octets, structure);
  const inPieces = parseInPieces(octets, random);
  if (JSON.stringify(inPieces) !== JSON.stringify(structure))
    throw new Error('pieces give another structure');
  checkSerialized(structure);
  checkSections(octets, structure, random);
  const header = octets.subarray(0, structure.root.bodyStart);
  selectFields(header, { kind: 'mime' });
  for (const { name, value } of headerFields(header)) {
    searchableField(name, value);
    baseSubject(decodeWords(value));
    parseDate(value);
    parseAddresses(value);
    parseMessageIds(value);
  }
  for (const leaf of textLeaves(structure)) {
    const text = octets.subarray(leaf.start, leaf.end);
    if (leaf.isHeader) headerText(text);
    else decodeCharset(decodeTransfer(text, leaf.encoding) ?? text, leaf.charset ?? 'us-ascii');
  }
}

if (import.meta.main) {
  const end = Date.now() + Number(process.argv[2] ?? 10) * 1000;
  const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
  let runs = 0;
  for (; Date.now() < end; runs++) {
    const octets = mutate(seededRandom(seed + runs));
    try {
      checkMessage(octets, seededRandom(seed + runs + 1));
    } catch (error) {
      writeFileSync(`fuzz-message-${seed + runs}.eml`, octets);
      console.error(`seed ${seed + runs}: fuzz-message-${seed + runs}.eml`);
      throw error;
    }
  }
  console.log(`${runs} messages, seeds ${seed} to ${seed + runs - 1}`);
}
