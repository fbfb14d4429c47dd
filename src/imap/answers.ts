import { Pacer } from '../search/pacer.ts';
import type { NumberedBy } from './command.ts';
import type { ImapSession } from './session-loop.ts';

/** Answers as they are sent, by what they say: `search/` gives the same object while nothing has changed. */
const answers = new WeakMap<object, Map<NumberedBy, Buffer>>();

/**
 * Writes a long untagged answer, letting others in while it is made for the first time.
 * @param said  what the pieces are made of, by sequence number or UID, and nothing else
 */
export async function writeAnswer(
  session: ImapSession,
  label: string,
  said: object,
  by: NumberedBy,
  pieces: Iterable<string>,
): Promise<void> {
  let octets = answers.get(said)?.get(by);
  if (octets === undefined) {
    const made: Buffer[] = [];
    const pacer = new Pacer(session.signal);
    for (const piece of pieces) {
      made.push(Buffer.from(piece, 'latin1'));
      if (pacer.due()) await pacer.pause();
    }
    octets = Buffer.concat(made);
    const kept = answers.get(said) ?? new Map<NumberedBy, Buffer>();
    answers.set(said, kept.set(by, octets));
  }
  session.writer.text(label).octets(octets).text('\r\n');
}
