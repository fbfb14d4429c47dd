import { Refused } from '../refused.ts';

const entities = ['HEADERS', 'RAWHEADERS', 'MIME', 'BODY', 'ALL', 'BODY.DECODED'] as const;

/** A content word of FETCH (smap §5.5): `CONTENTS.PEEK=HEADERS[1.2](:ENVELOPE)`. */
export interface ContentsWord {
  readonly entity: (typeof entities)[number];
  readonly setsSeen: boolean;
  /** `1.2.0`; '' is the whole message. */
  readonly part: string;
  /** Whether a field is wanted, by its name in lower case. */
  readonly selects: (name: string) => boolean;
  /** Every field is wanted. */
  readonly selectsAll: boolean;
}

const envelope = [
  'date',
  'subject',
  'from',
  'sender',
  'reply-to',
  'to',
  'cc',
  'bcc',
  'in-reply-to',
  'message-id',
  'references',
];

/** @returns undefined: the word is none of them @throws {Refused} it asks for something nobody knows */
export function readContentsWord(word: string): ContentsWord | undefined {
  const [, peek, rest] = /^CONTENTS(\.PEEK)?=(.*)$/is.exec(word) ?? [];
  if (rest === undefined) return undefined;
  const [, name = '', part = '', fields = ''] =
    /^([A-Z.]+)(?:\[([\d.]*)\])?(?:\(([^()]*)\))?$/i.exec(rest) ?? [];
  const entity = entities.find((each) => each === name.toUpperCase());
  if (entity === undefined) throw new Refused('Syntax error.');
  const names = fields
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((each) => each !== '');
  return {
    entity,
    setsSeen: peek === undefined,
    part,
    selects: selector(names),
    selectsAll: names.length === 0,
  };
}

function selector(names: readonly string[]): (name: string) => boolean {
  if (names.length === 0) return () => true;
  const hasMime = names.includes(':mime');
  const wanted = new Set(names);
  if (hasMime || wanted.has(':envelope')) for (const name of envelope) wanted.add(name);
  if (hasMime) wanted.add('mime-version');
  return (name) => wanted.has(name) || (hasMime && name.startsWith('content-'));
}
