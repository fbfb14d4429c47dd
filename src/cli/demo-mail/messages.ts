/** The demo's messages: who, when, about what, in which shape. The same at every start. */
import { calendar, csv, pdf, png } from './files.ts';
import { attachment, encodedText, mailbox, messagePart, multipart, type Part, textPart } from './mime.ts';
import { Choices } from './random.ts';
import {
  accentedSentences,
  cyrillicSentences,
  japaneseSentences,
  owner,
  type Person,
  people,
  sentences,
  subjects,
} from './words.ts';

export interface DemoMessage {
  /** Below INBOX: '' is INBOX itself, `Sent`, `Projects.Lighthouse`. */
  readonly folder: string;
  readonly date: Date;
  /** The maildir's letters: S seen, R answered, F flagged, D draft. */
  readonly flags: string;
  /** LF line ends; every character is one octet. */
  readonly text: string;
}

interface Folder {
  readonly name: string;
  readonly count: number;
  readonly subjects: readonly string[];
  /** Of a hundred messages, how many have been read. */
  readonly seen: number;
  /** Of a hundred messages, how many answer an earlier one. */
  readonly replies: number;
  readonly kind?: 'sent' | 'drafts' | 'list' | 'junk';
}

const folders: readonly Folder[] = [
  { name: '', count: 60, subjects: [...subjects.everyday, ...subjects.accented], seen: 65, replies: 25 },
  { name: 'Sent', count: 24, subjects: subjects.everyday, seen: 100, replies: 60, kind: 'sent' },
  { name: 'Drafts', count: 3, subjects: subjects.everyday, seen: 100, replies: 0, kind: 'drafts' },
  { name: 'Junk', count: 10, subjects: subjects.junk, seen: 0, replies: 0, kind: 'junk' },
  { name: 'Trash', count: 5, subjects: subjects.everyday, seen: 80, replies: 0 },
  {
    name: 'Archive',
    count: 30,
    subjects: [...subjects.everyday, ...subjects.accented],
    seen: 100,
    replies: 30,
  },
  { name: 'Projects.Lighthouse', count: 28, subjects: subjects.project, seen: 85, replies: 65 },
  { name: 'Lists.Gardening', count: 32, subjects: subjects.list, seen: 50, replies: 75, kind: 'list' },
  { name: 'Ferien in Zürich', count: 8, subjects: subjects.accented, seen: 90, replies: 20 },
];

/** The names below INBOX, parents of nested ones included. */
export const demoFolders: readonly string[] = [
  ...folders.map(({ name }) => name).filter(Boolean),
  'Projects',
  'Lists',
];

interface Sent {
  readonly id: string;
  readonly references: readonly string[];
  readonly subject: string;
  readonly from: Person;
  readonly date: Date;
  readonly paragraph: string;
  readonly text: string;
}

/** All messages, oldest first within each folder; the newest arrived on `today`. */
export function demoMessages(today: Date): DemoMessage[] {
  const choices = new Choices(1843);
  return folders.flatMap((folder) => folderMessages(folder, choices, today));
}

function folderMessages(folder: Folder, choices: Choices, today: Date): DemoMessage[] {
  const past: Sent[] = [];
  return Array.from({ length: folder.count }, (_, i) => {
    const age = (folder.count - i) * (folder.name === 'Archive' ? 9 : 1.4) + choices.below(20) / 24;
    const date = new Date(Math.floor((today.getTime() - age * 86_400_000) / 1000) * 1000);
    const replyTo =
      choices.chance(folder.replies) && past.length > 0 ? choices.of(past.slice(-6)) : undefined;
    const sent = compose(folder, choices, date, replyTo, i);
    past.push(sent);
    return { folder: folder.name, date, flags: flagsOf(folder, choices), text: sent.text };
  });
}

function flagsOf(folder: Folder, choices: Choices): string {
  const seen = choices.chance(folder.seen);
  const draft = folder.kind === 'drafts' ? 'D' : '';
  const flagged = choices.chance(8) ? 'F' : '';
  const answered = seen && folder.kind === undefined && choices.chance(20) ? 'R' : '';
  return `${draft}${flagged}${answered}${seen ? 'S' : ''}`;
}

function compose(
  folder: Folder,
  choices: Choices,
  date: Date,
  replyTo: Sent | undefined,
  index: number,
): Sent {
  const mine = folder.kind === 'sent' || folder.kind === 'drafts';
  const from = mine ? owner : choices.of(people);
  const subject = replyTo ? `Re: ${replyTo.subject.replace(/^Re: /, '')}` : choices.of(folder.subjects);
  const id = `${date.getTime().toString(36)}.${choices.below(1e6).toString(36)}@${from.address.split('@')[1]}`;
  const references = replyTo ? [...replyTo.references, replyTo.id] : [];
  const paragraph = paragraphFor(folder, choices, from);
  const { fields, body } = shape(folder, choices, { subject, date, from, paragraph, replyTo, index, id });
  const to = mine ? choices.of(people) : owner;
  const header = [
    ...(mine ? [] : [`Return-Path: <${from.address}>`, received(from, date)]),
    `Date: ${rfc5322Date(date)}`,
    `From: ${mailbox(from)}`,
    folder.kind === 'list' ? 'To: Gardening Club <club@gardenclub.example>' : `To: ${mailbox(to)}`,
    ...(choices.chance(20) ? [`Cc: ${mailbox(choices.of(people))},\n ${mailbox(choices.of(people))}`] : []),
    `Subject: ${encodedText(subject)}`,
    `Message-ID: <${id}>`,
    ...(replyTo
      ? [`In-Reply-To: <${replyTo.id}>`, `References: ${references.map((r) => `<${r}>`).join('\n ')}`]
      : []),
    ...(folder.kind === 'list'
      ? ['List-Id: Gardening Club <club.gardenclub.example>', 'Precedence: list']
      : []),
    'MIME-Version: 1.0',
  ];
  return {
    id,
    references,
    subject,
    from,
    date,
    paragraph,
    text: `${[...header, ...fields].join('\n')}\n\n${body}`,
  };
}

interface Content {
  readonly subject: string;
  readonly date: Date;
  readonly from: Person;
  readonly paragraph: string;
  readonly replyTo: Sent | undefined;
  readonly index: number;
  readonly id: string;
}

/** Which MIME structure: mostly plain text, now and then everything that mail programs make. */
function shape(folder: Folder, choices: Choices, content: Content): Part {
  const { subject, date, from, paragraph, replyTo, index, id } = content;
  const quoted = replyTo ? `\n${replyTo.from.name} wrote:\n${quote(replyTo.paragraph)}\n` : '';
  const text = `Hello,\n\n${paragraph}\n${quoted}\n${from.name.split(' ')[0]}\n`;
  const plain = plainPart(text);
  const boundary = (level: number) => `=_${id.split('@')[0]}_${level}`;
  if (folder.kind === 'list' || folder.kind === 'drafts') return plain;
  switch (index % 12) {
    case 2:
      return multipart('alternative', boundary(1), [plain, htmlPart(text)]);
    case 4: {
      const picture = attachment('image/png; name=view.png', 'view.png', png(choices), `view.${id}`);
      const html = htmlPart(text, `<p><img src="cid:view.${id}" alt="view"></p>`);
      const related = multipart('related', boundary(2), [html, picture]);
      return multipart('alternative', boundary(1), [plain, related]);
    }
    case 6:
      return multipart('mixed', boundary(1), [
        plain,
        attachment('application/pdf', `Übersicht ${index}.pdf`, pdf(`Page for ${index}`)),
        attachment('text/csv; charset=us-ascii', 'wind.csv', csv(choices)),
      ]);
    case 8:
      return multipart('mixed', boundary(1), [
        plain,
        attachment('text/calendar; charset=utf-8; method=REQUEST', 'invite.ics', calendar(subject, date)),
      ]);
    case 10:
      return replyTo ? multipart('mixed', boundary(1), [plain, messagePart(replyTo.text)]) : plain;
    case 11:
      return multipart('mixed', boundary(1), [
        plain,
        attachment('application/octet-stream', 'backup.bin', choices.octets(4000 + choices.below(40_000))),
      ]);
    default:
      return plain;
  }
}

/** In the oldest charset that can say it, as old mail programs did. */
function plainPart(text: string): Part {
  if (/^[\x00-\x7e]*$/.test(text)) return textPart('plain', text, 'us-ascii');
  if (/^[\x00-\xff]*$/.test(text)) return textPart('plain', text, 'iso-8859-1');
  if (/^[\x00-\x7e\u0400-\u045f]*$/.test(text)) return textPart('plain', text, 'koi8-r');
  return textPart('plain', text, 'utf-8');
}

function htmlPart(text: string, extra = ''): Part {
  const paragraphs = text
    .split('\n\n')
    .map((part) => `<p>${part.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</p>`);
  return textPart('html', `<html><body>\n${paragraphs.join('\n')}\n${extra}</body></html>\n`, 'utf-8');
}

function paragraphFor(folder: Folder, choices: Choices, from: Person): string {
  const lines = [...new Set(Array.from({ length: 3 + choices.below(6) }, () => choices.of(sentences)))];
  if (/[\u3000-\u9fff]/.test(from.name)) lines.splice(1, 0, choices.of(japaneseSentences));
  else if (/[\u0400-\u04ff]/.test(from.name)) return [...cyrillicSentences, ...lines.slice(0, 2)].join('\n');
  else if (/[^\x00-\x7f]/.test(from.name)) lines.splice(2, 0, choices.of(accentedSentences));
  if (folder.kind === 'junk') lines.push('Click here, here, or indeed anywhere: http://junk.example/');
  return lines.join('\n');
}

function quote(text: string): string {
  return text
    .split('\n')
    .slice(0, 4)
    .map((line) => `> ${line}`)
    .join('\n');
}

function received(from: Person, date: Date): string {
  const host = from.address.split('@')[1];
  return `Received: from ${host} (${host} [192.0.2.${(date.getTime() / 1000) % 250}])\n by mail.example.com with ESMTPS; ${rfc5322Date(date)}`;
}

function rfc5322Date(date: Date): string {
  return date.toUTCString().replace('GMT', '+0000');
}
