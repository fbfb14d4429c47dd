import { readSync } from 'node:fs';
import { Readable } from 'node:stream';
import { parseAddresses } from '../message/address.ts';
import { headerFields } from '../message/header.ts';
import { type SmartHost, type Submission, SubmissionError, type Submitted } from './submission.ts';

/** A header that is larger is not sent: its recipients would have to be held in memory. */
const headerLimitOctets = 1_048_576;

const pieceOctets = 65_536;

/**
 * Sends through a smart host: recipients from To, Cc and Bcc (of the Resent- fields, if the message has any),
 * and without Bcc in what is sent; or to the recipients given, as it is.
 */
export async function smtp(
  { host, port, secure }: SmartHost,
  { sender, descriptor, recipients, notify }: Submission,
  timeoutMs: number,
): Promise<Submitted> {
  const { header, rest } = splitHeader(pieces(descriptor));
  const to = recipients ? [...recipients] : recipientsOf(header);
  if (to.length === 0) throw new SubmissionError('The message names no recipient.');
  const { default: SmtpConnection } = await import('nodemailer/lib/smtp-connection');
  const connection = new SmtpConnection({
    host,
    port,
    secure,
    // The limit for all of it comes first.
    connectionTimeout: 2 * timeoutMs,
    greetingTimeout: 2 * timeoutMs,
    socketTimeout: 2 * timeoutMs,
    // STARTTLS that is merely offered keeps listeners out, and needs no name (RFC 7435).
    ...(!secure && { opportunisticTLS: true, tls: { rejectUnauthorized: false } }),
  });
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      clearTimeout(timer);
      connection.close();
      reject(error instanceof SubmissionError ? error : new SubmissionError(reasonOf(error, host)));
    };
    const timer = setTimeout(() => {
      const late = `${host} did not take the message within ${timeoutMs / 1000} seconds.`;
      fail(new SubmissionError(`${late} It may have been sent or not.`));
    }, timeoutMs);
    connection.on('error', fail);
    connection.connect((error) => {
      if (error) return fail(error);
      const body = Readable.from(concat(recipients ? header : withoutBcc(header), rest));
      const dsn = notify === undefined ? {} : { dsn: { notify: dsnWords(notify) } };
      connection.send({ from: sender, to, use8BitMime: true, ...dsn }, body, (refusal, info) => {
        if (refusal) return fail(refusal);
        clearTimeout(timer);
        connection.quit();
        const refused = (info.rejectedErrors ?? []).map((each, i) =>
          onOneLine(`${info.rejected[i]}: ${each.response ?? each.message}`),
        );
        resolve({ refused });
      });
    });
  });
}

/** In the host's words where it has said some. */
function reasonOf(error: Error & { response?: string; command?: string }, host: string): string {
  const said = onOneLine(error.response ?? '');
  if (said !== '') return said;
  const doubt = error.command === 'DATA' ? ' The message may have been sent or not.' : '';
  return `${host}: ${onOneLine(error.message)}${doubt}`;
}

function onOneLine(text: string): string {
  return text
    .replace(/[\x00-\x1f\x7f]+/g, ' ')
    .trim()
    .slice(0, 400);
}

/** The file's octets from its beginning, whatever its position. */
function* pieces(descriptor: number): Generator<Buffer> {
  for (let at = 0; ; ) {
    const piece = Buffer.allocUnsafe(pieceOctets);
    const got = readSync(descriptor, piece, 0, pieceOctets, at);
    if (got === 0) return;
    yield piece.subarray(0, got);
    at += got;
  }
}

/** The header with its empty line, and what follows. */
function splitHeader(octets: Iterable<Buffer>): { header: Buffer; rest: Iterable<Buffer> } {
  const iterator = octets[Symbol.iterator]();
  let header = Buffer.alloc(0);
  for (;;) {
    const end = endOfHeader(header);
    if (end > 0) {
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

/** Behind the empty line; 0 if it has not come. A file of another program may have CRLF. */
function endOfHeader(octets: Buffer): number {
  const found = /^\r?\n|\n\r?\n/.exec(octets.toString('latin1'));
  return found ? found.index + found[0].length : 0;
}

/** Of `success,fail` what SMTP says: `SUCCESS`, `FAILURE`. */
function dsnWords(notify: string): string[] {
  return notify.split(',').map((word) => (/^fail/i.test(word) ? 'FAILURE' : word.toUpperCase()));
}

function recipientsOf(header: Buffer): string[] {
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
