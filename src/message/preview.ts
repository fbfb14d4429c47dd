/** The first words of a message, for lists of messages (RFC 8970). */
import { isMessageType, type Part } from './part.ts';

/** RFC 8970 §3.2: about 200 characters, never more than 256. */
export const previewCharacters = 200;
/** Text looked at: newsletters have kilobytes of style before their first word. */
const mostText = 32_768;

/** The part to show the beginning of: plain text before HTML; text that is an attachment only where there is no other. */
export function previewPart(root: Part): Part | undefined {
  const texts: Part[] = [];
  collectTexts(root, texts);
  const shown = texts.filter(({ disposition }) => disposition?.type !== 'attachment');
  const candidates = shown.length > 0 ? shown : texts;
  return candidates.find(({ subtype }) => subtype !== 'html') ?? candidates[0];
}

function collectTexts(part: Part, into: Part[]): void {
  if (part.type === 'text' && part.parts.length === 0) into.push(part);
  if (!isMessageType(part)) for (const child of part.parts) collectTexts(child, into);
}

/**
 * One line out of a text: without what is quoted from others, the signature, marks of HTML, control characters.
 * @param text  its beginning is enough
 */
export function previewText(text: string, isHtml: boolean): string {
  const begin = text.slice(0, mostText);
  const words = (isHtml ? withoutMarks(begin) : withoutQuotes(begin))
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\uFFFD\s]+/gu, ' ')
    .trim();
  if (words.length <= previewCharacters) return words;
  const characters = [...words.slice(0, 2 * previewCharacters)];
  return characters.slice(0, previewCharacters).join('').trimEnd();
}

function withoutQuotes(text: string): string {
  const own: string[] = [];
  for (const line of text.split('\n')) {
    if (/^-- ?\r?$/.test(line)) break;
    if (!line.startsWith('>')) own.push(line);
  }
  return own.join('\n');
}

/** Elements whose content is not shown. */
const hidden = new Set(['head', 'style', 'script', 'title']);

function withoutMarks(html: string): string {
  let text = '';
  for (let at = 0; at < html.length; ) {
    const open = html.indexOf('<', at);
    if (open < 0) return text + withoutEntities(html.slice(at));
    text += withoutEntities(html.slice(at, open));
    if (html.startsWith('<!--', open)) {
      at = behind(html, '-->', open);
      continue;
    }
    const name = /^<(\/?[a-z][a-z0-9]*)/i.exec(html.slice(open, open + 20))?.[1]?.toLowerCase();
    if (name === undefined && !/^<[!?/]/.test(html.slice(open, open + 2))) {
      text += '<';
      at = open + 1;
      continue;
    }
    at = behind(html, '>', open);
    if (name !== undefined && hidden.has(name)) at = endOf(html, name, at);
    text += ' ';
  }
  return text;
}

function behind(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from);
  return at < 0 ? text.length : at + mark.length;
}

/** Behind the end tag of an element, in any case of letters; else the end. */
function endOf(html: string, name: string, from: number): number {
  const end = new RegExp(`</${name}[^>]*>`, 'gi');
  end.lastIndex = from;
  return end.exec(html) === null ? html.length : end.lastIndex;
}

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  ndash: '–',
  mdash: '—',
  hellip: '…',
  lsquo: '‘',
  rsquo: '’',
  ldquo: '“',
  rdquo: '”',
  zwnj: '',
  shy: '',
};

function withoutEntities(text: string): string {
  return text.replace(/&(#x[0-9a-f]{1,6}|#[0-9]{1,7}|[a-z]{1,8});/gi, (whole, name: string) => {
    if (!name.startsWith('#')) return Object.hasOwn(entities, name) ? entities[name]! : whole;
    const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code > 0 && code <= 0x10_ffff ? String.fromCodePoint(code) : '';
  });
}
