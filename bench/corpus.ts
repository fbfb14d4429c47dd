import { Random } from './random.ts';

/** A message to measure with: LF line ends, as in a maildir. */
export interface CorpusMessage {
  readonly text: string;
  readonly dateSeconds: number;
  /** Maildir letters, in order. */
  readonly flags: string;
}

const words =
  `account agenda answer april archive arrival article autumn balance basket board bridge budget candle capital carbon
  careful castle change chapter cheese circle client coffee column contract corner country cousin customer danger
  december delivery detail dinner doctor draft driver effort engine evening factor family february festival figure
  finger forest formula garden gentle glass growth harbour history holiday income island january journey june keeper
  kitchen ladder laptop letter library linen machine manager march market meeting message minute monday morning mountain
  museum network notice number october office orange output package paper parcel partner pattern payment pencil person
  picture planet platform pocket present printer problem process product project purpose quality quarter question
  railway reason record report request result river saturday schedule season secret section service shadow silver
  simple sister station street summer sunday supply support system table teacher theatre ticket tomorrow travel
  tuesday update valley village visitor volume wallet weather wednesday weekend window winter wonder yesterday`.split(
    /\s+/,
  );
const people = [
  'Anna Berg',
  'Bo Lind',
  'Carla Moss',
  'Dan Frost',
  'Eva Holt',
  'Finn Gray',
  'Grete Vik',
  'Hugo Stone',
];
const hosts = ['example.org', 'example.com', 'mail.example.net', 'lists.example.org'];
const flagSets = ['S', 'S', 'S', 'S', 'S', 'S', 'RS', 'FS', '', ''];
const firstDate = Date.UTC(2024, 0, 1) / 1000;
const attachmentShare = 0.6;

/**
 * Makes `count` messages of `averageOctets` on average: a third multipart (with an attachment or as HTML), most of
 * them in threads, dates ascending.
 */
export function makeCorpus(count: number, averageOctets: number, seed = 1): CorpusMessage[] {
  const random = new Random(seed);
  // Sizes as people have them: many small, few large; scaled so that the sum is what was asked for.
  const shares = Array.from({ length: count }, () => 0.15 - Math.log(1 - random.next() * 0.999));
  const scale = (count * averageOctets) / shares.reduce((sum, share) => sum + share, 0);
  const threads: { subject: string; ids: string[] }[] = [];
  return shares.map((share, number) => {
    const dateSeconds = firstDate + Math.floor((number * 300 * 86_400) / count) + random.below(600);
    const isReply = threads.length > 0 && random.next() < 0.6;
    const thread = isReply
      ? threads[Math.max(0, threads.length - 1 - random.below(40))]!
      : { subject: phrase(random, 2 + random.below(5)), ids: [] };
    if (!isReply) threads.push(thread);
    const header = makeHeader(random, number, dateSeconds, thread, isReply);
    const room = Math.max(40, Math.floor(share * scale) - header.length);
    const text = header + (number % 3 === 2 ? multipart(random, number, room) : plain(random, room));
    return { text, dateSeconds, flags: random.pick(flagSets) };
  });
}

function makeHeader(
  random: Random,
  number: number,
  dateSeconds: number,
  thread: { subject: string; ids: string[] },
  isReply: boolean,
): string {
  const date = new Date(dateSeconds * 1000).toUTCString().replace('GMT', '+0000');
  const [from, to] = [address(random), address(random)];
  const id = `<${number}.${random.below(1e9)}@${random.pick(hosts)}>`;
  const lines = [
    `Return-Path: <bounce-${number}@${random.pick(hosts)}>`,
    ...Array.from(
      { length: 2 + random.below(3) },
      () =>
        `Received: from ${random.pick(words)}.${random.pick(hosts)} (${random.pick(words)} [192.0.2.${random.below(255)}])\n` +
        `\tby mx.${random.pick(hosts)} with ESMTPS id ${random.below(1e9).toString(36)}; ${date}`,
    ),
    `DKIM-Signature: v=1; a=rsa-sha256; d=${random.pick(hosts)};\n\tb=${base64(random, 172)}`,
    `Date: ${date}`,
    `From: ${from}`,
    `To: ${to}`,
    ...(random.next() < 0.3 ? [`Cc: ${address(random)}, ${address(random)}`] : []),
    `Subject: ${isReply ? 'Re: ' : ''}${number % 11 === 0 ? '=?utf-8?Q?Gr=C3=BC=C3=9Fe?= ' : ''}${thread.subject}`,
    `Message-ID: ${id}`,
    ...(isReply
      ? [`In-Reply-To: ${thread.ids.at(-1)}`, `References: ${thread.ids.slice(-10).join('\n ')}`]
      : []),
    'MIME-Version: 1.0',
    `X-Mailer: ${phrase(random, 2)}`,
  ];
  thread.ids.push(id);
  return lines.join('\n') + '\n';
}

function address(random: Random): string {
  const name = random.pick(people);
  return `${name} <${name.toLowerCase().replace(' ', '.')}@${random.pick(hosts)}>`;
}

function phrase(random: Random, count: number): string {
  return Array.from({ length: count }, () => random.pick(words)).join(' ');
}

function prose(random: Random, octets: number): string {
  const lines: string[] = [];
  let left = octets;
  while (left > 0) {
    let line = random.pick(words);
    while (line.length < 60) line += ` ${random.pick(words)}`;
    lines.push(random.below(8) === 0 ? `${line}.\n` : line);
    left -= lines[lines.length - 1]!.length + 1;
  }
  return lines.join('\n') + '\n';
}

function base64(random: Random, octets: number): string {
  const raw = Buffer.alloc(Math.ceil((octets * 3) / 4));
  for (let i = 0; i < raw.length; i++) raw[i] = random.below(256);
  return raw.toString('base64');
}

function plain(random: Random, room: number): string {
  return `Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n${prose(random, room - 80)}`;
}

function multipart(random: Random, number: number, room: number): string {
  const boundary = `=_${number}_${random.below(1e9).toString(36)}`;
  const isMixed = number % 2 === 0;
  const text = prose(random, isMixed ? room * (1 - attachmentShare) : room * 0.4);
  const second = isMixed
    ? `Content-Type: application/pdf; name="${random.pick(words)}.pdf"\nContent-Transfer-Encoding: base64\n` +
      `Content-Disposition: attachment; filename="${random.pick(words)}.pdf"\n\n` +
      base64(random, room * attachmentShare).replace(/.{76}/g, '$&\n')
    : `Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n` +
      `<html><body>\n${prose(random, room * 0.6).replace(/\n\n/g, '<br>=\n')}</body></html>`;
  return (
    `Content-Type: multipart/${isMixed ? 'mixed' : 'alternative'}; boundary="${boundary}"\n\n` +
    `This is a message in several parts.\n--${boundary}\n` +
    `Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n${text}\n--${boundary}\n` +
    `${second}\n--${boundary}--\n`
  );
}
