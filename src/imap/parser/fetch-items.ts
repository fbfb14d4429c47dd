import type { Section } from '../../message/section.ts';
import type { ArgumentReader } from './arguments.ts';

/** Offset and count in octets as sent; `Infinity`: the rest. */
export interface Partial {
  readonly offset: number;
  readonly count: number;
}

/** One thing FETCH is asked for; `label` is what stands in front of the value in the answer. */
export type FetchItem =
  | {
      readonly kind: 'flags' | 'uid' | 'internalDate' | 'size' | 'envelope' | 'body' | 'bodyStructure';
      readonly label: string;
    }
  | {
      readonly kind: 'section';
      readonly label: string;
      readonly section: Section;
      readonly partial: Partial | undefined;
      readonly setsSeen: boolean;
    }
  | {
      readonly kind: 'binary';
      readonly label: string;
      readonly part: readonly number[];
      readonly partial: Partial | undefined;
      readonly setsSeen: boolean;
    }
  | { readonly kind: 'preview'; readonly label: string; readonly isLazy: boolean }
  | { readonly kind: 'binarySize'; readonly label: string; readonly part: readonly number[] };

const flags: FetchItem = { kind: 'flags', label: 'FLAGS' };
export const uidItem: FetchItem = { kind: 'uid', label: 'UID' };
const internalDate: FetchItem = { kind: 'internalDate', label: 'INTERNALDATE' };
const size: FetchItem = { kind: 'size', label: 'RFC822.SIZE' };
const envelope: FetchItem = { kind: 'envelope', label: 'ENVELOPE' };
const body: FetchItem = { kind: 'body', label: 'BODY' };
const bodyStructure: FetchItem = { kind: 'bodyStructure', label: 'BODYSTRUCTURE' };

const legacy = (label: string, what: Section['what'], setsSeen: boolean): FetchItem => ({
  kind: 'section',
  label,
  section: { part: [], what, fields: [] },
  partial: undefined,
  setsSeen,
});

const words: Readonly<Record<string, readonly FetchItem[]>> = {
  FLAGS: [flags],
  UID: [uidItem],
  INTERNALDATE: [internalDate],
  'RFC822.SIZE': [size],
  ENVELOPE: [envelope],
  BODYSTRUCTURE: [bodyStructure],
  RFC822: [legacy('RFC822', 'all', true)],
  'RFC822.HEADER': [legacy('RFC822.HEADER', 'header', false)],
  'RFC822.TEXT': [legacy('RFC822.TEXT', 'text', true)],
  FAST: [flags, internalDate, size],
  ALL: [flags, internalDate, size, envelope],
  FULL: [flags, internalDate, size, envelope, body],
};

/** One bare item or a list; macros may stand in a list (imap-server §9), and what they repeat comes once. */
export function readFetchItems(args: ArgumentReader): FetchItem[] {
  const items: FetchItem[] = [];
  if (args.atList) args.list(() => items.push(...readItem(args)));
  else items.push(...readItem(args));
  if (items.length === 0) args.refuse('nothing to fetch');
  return [...new Set(items)];
}

function readItem(args: ArgumentReader): readonly FetchItem[] {
  const word = args.word();
  const known = words[word];
  if (known !== undefined) return known;
  switch (word) {
    case 'BODY':
    case 'BODY.PEEK':
      return [args.accept('[') ? readSection(args, word === 'BODY') : body];
    case 'BINARY':
    case 'BINARY.PEEK':
      args.expect('[');
      return [readBinary(args, word === 'BINARY')];
    case 'PREVIEW':
      return [readPreview(args)];
    case 'BINARY.SIZE': {
      args.expect('[');
      const part = readPart(args);
      return [{ kind: 'binarySize', label: `BINARY.SIZE[${part.join('.')}]`, part }];
    }
    default:
      return args.refuse(`cannot fetch ${word}`);
  }
}

/** RFC 8970 §3: `PREVIEW`, `PREVIEW (LAZY)`. */
function readPreview(args: ArgumentReader): FetchItem {
  let isLazy = false;
  if (args.atList) {
    args.list(() => {
      if (args.word() !== 'LAZY') args.refuse('unknown PREVIEW modifier');
      isLazy = true;
    });
  }
  return { kind: 'preview', label: 'PREVIEW', isLazy };
}

function readBinary(args: ArgumentReader, setsSeen: boolean): FetchItem {
  const part = readPart(args);
  const partial = readPartial(args);
  return { kind: 'binary', label: `BINARY[${part.join('.')}]${origin(partial)}`, part, partial, setsSeen };
}

function readPart(args: ArgumentReader): number[] {
  const text = args.accept(']') ? '' : args.atom();
  if (text === '') return [];
  args.expect(']');
  return partNumbers(args, text.split('.'));
}

function partNumbers(args: ArgumentReader, numbers: readonly string[]): number[] {
  return numbers.map((number) => {
    if (!/^[1-9][0-9]{0,8}$/.test(number)) args.refuse('invalid part number');
    return Number(number);
  });
}

function readSection(args: ArgumentReader, setsSeen: boolean): FetchItem {
  const start = args.position;
  const text = args.peekWord();
  args.position = start;
  if (text !== '') args.word();
  const words = text === '' ? [] : text.split('.');
  const digits = words.findIndex((word) => !/^[0-9]+$/.test(word));
  const part = partNumbers(args, digits < 0 ? words : words.slice(0, digits));
  const name = digits < 0 ? '' : words.slice(digits).join('.') || args.refuse('unknown section');
  const { what, fields, list } = readSectionText(args, name, part.length > 0);
  args.expect(']');
  const partial = readPartial(args);
  const label = `BODY[${text}${list}]${origin(partial)}`;
  return { kind: 'section', label, section: { part, what, fields }, partial, setsSeen };
}

function readSectionText(
  args: ArgumentReader,
  name: string,
  hasPart: boolean,
): { what: Section['what']; fields: string[]; list: string } {
  const fields: string[] = [];
  switch (name) {
    case '':
      return { what: 'all', fields, list: '' };
    case 'HEADER':
      return { what: 'header', fields, list: '' };
    case 'TEXT':
      return { what: 'text', fields, list: '' };
    case 'MIME':
      if (!hasPart) args.refuse('MIME needs a part');
      return { what: 'mime', fields, list: '' };
    case 'HEADER.FIELDS':
    case 'HEADER.FIELDS.NOT': {
      const read = (): unknown => fields.push(args.astring().octets.toString('latin1'));
      if (args.atList) args.list(read);
      else if (args.peek() === 0x22) read();
      else fields.push(args.atom());
      if (fields.some((field) => /[\r\n\0]/.test(field))) args.refuse('invalid field name');
      const quotedNames = fields.map((field) => `"${field.replace(/["\\]/g, '\\$&')}"`);
      return {
        what: name === 'HEADER.FIELDS' ? 'fields' : 'fieldsNot',
        fields,
        list: ` (${quotedNames.join(' ')})`,
      };
    }
    default:
      return args.refuse('unknown section');
  }
}

/** `<offset.count>`; `<offset>` and a comma for the dot mean the rest, as Courier reads them. */
function readPartial(args: ArgumentReader): Partial | undefined {
  if (args.peek() !== 0x3c) return undefined;
  const match = /^<([0-9]{1,15})(?:\.([0-9]{1,15})|[.,][0-9]*)?>$/.exec(args.atomHere());
  if (match === null) return args.refuse('invalid partial');
  const count = match[2] === undefined ? Number.POSITIVE_INFINITY : Number(match[2]);
  return { offset: Number(match[1]), count };
}

function origin(partial: Partial | undefined): string {
  return partial === undefined ? '' : `<${partial.offset}>`;
}
