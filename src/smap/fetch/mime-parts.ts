import { isMessageType, type MessageStructure, type Part } from '../../message/part.ts';

/** A part with its id (smap §5.5): '' is the whole message, children append `.1`, and a message within is `.0`. */
export interface MimePart {
  readonly id: string;
  /** undefined: it is the whole message. */
  readonly parent: string | undefined;
  readonly part: Part;
}

/** All parts, parents before their children, in the order of the message. */
export function* mimeParts({ root }: MessageStructure): Generator<MimePart> {
  yield* below({ id: '', parent: undefined, part: root });
}

function* below(whole: MimePart): Generator<MimePart> {
  yield whole;
  const { id, part } = whole;
  const isMessage = isMessageType(part);
  for (const [index, child] of part.parts.entries())
    yield* below({ id: `${id === '' ? '1' : id}.${isMessage ? 0 : index + 1}`, parent: id, part: child });
}

/** The part of an id as a client writes it; undefined: there is none. */
export function findMimePart({ root }: MessageStructure, id: string): Part | undefined {
  const [first = '', ...numbers] = id.split('.');
  if (first !== '1' && id !== '') return undefined;
  let part: Part | undefined = root;
  for (const number of numbers) {
    if (part === undefined || !/^(?:0|[1-9]\d{0,8})$/.test(number)) return undefined;
    const index: number = isMessageType(part) ? Number(number) : Number(number) - 1;
    part = part.parts[index];
  }
  return part;
}
