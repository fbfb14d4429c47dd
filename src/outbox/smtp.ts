import { Readable } from 'node:stream';
import type { Log } from '../base/log.ts';
import { parseAddresses } from '../message/address.ts';
import { headerFields } from '../message/header.ts';
import { type SmartHost, SubmissionError } from './submission.ts';

/** A header that is larger is not sent: its recipients would have to be held in memory. */
const headerLimitOctets = 1_048_576;

/**
 * Sends through a smart host: recipients from To, Cc and Bcc (of the Resent- fields, if the message has any),
 * and without Bcc in what is sent.
 */
export async function smtp(
  { host, port, secure }: SmartHost,
  sender: string,
  octets: Iterable<Buffer>,
  timeoutMs: number,
  log: Log,
): Promise<void> {
  const { header, rest } = splitHeader(octets);
  const to = recipients(header);
  if (to.length === 0) throw new SubmissionError('The message names no recipient.');
  const { createTransport } = await import('nodemailer');
  const transport = createTransport({
    host,
    port,
    secure,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
  });
  try {
    const body = Readable.from(concat(withoutBcc(header), rest));
    const { rejected } = await transport.sendMail({ envelope: { from: sender, to }, raw: body });
    // The others have it by now: refusing would make the client send it to them again.
    for (const address of rejected) log.warn(`recipient refused by ${host}: ${String(address)}`);
  } finally {
    transport.close();
  }
}

/** The header with its empty line, and what follows. */
function splitHeader(octets: Iterable<Buffer>): { header: Buffer; rest: Iterable<Buffer> } {
  const iterator = octets[Symbol.iterator]();
  let header = Buffer.alloc(0);
  for (;;) {
    const end = header[0] === 10 ? 1 : header.indexOf('\n\n') + 2;
    if (end > 1) {
      const first = header.subarray(end);
      return { header: header.subarray(0, end), rest: concat(first, { [Symbol.iterator]: () => iterator }) };
    }
    if (header.length > headerLimitOctets)
      throw new SubmissionError('The header of the message is too large.');
    const next = iterator.next();
    if (next.done) return { header, rest: [] };
    header = Buffer.concat([header, next.value]);
  }
}

function recipients(header: Buffer): string[] {
  const fields = [...headerFields(header)].map(({ name, value }) => ({ name: name.toLowerCase(), value }));
  const resent = fields.some(({ name }) => /^resent-(to|cc|bcc)$/.test(name));
  const wanted = resent ? /^resent-(to|cc|bcc)$/ : /^(to|cc|bcc)$/;
  const found = new Set<string>();
  for (const { name, value } of fields) {
    if (!wanted.test(name)) continue;
    for (const address of parseAddresses(value))
      if (address.kind === 'mailbox' && address.mailbox !== '')
        found.add(text(address.host === '' ? address.mailbox : `${address.mailbox}@${address.host}`));
  }
  return [...found];
}

function withoutBcc(header: Buffer): Buffer {
  const kept: Buffer[] = [];
  let from = 0;
  for (const { name, start, end } of headerFields(header)) {
    if (!/^(resent-)?bcc$/i.test(name)) continue;
    kept.push(header.subarray(from, start));
    from = end;
  }
  kept.push(header.subarray(from));
  return Buffer.concat(kept);
}

function* concat(first: Buffer, rest: Iterable<Buffer>): Generator<Buffer> {
  if (first.length > 0) yield first;
  yield* rest;
}

/** Header text is octets, one character each; addresses are UTF-8 (RFC 6532). */
function text(octets: string): string {
  return Buffer.from(octets, 'latin1').toString('utf8');
}
