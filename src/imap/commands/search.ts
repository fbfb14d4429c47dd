import { formatNumberSet } from '../../base/number-set.ts';
import { search as find } from '../../search/search.ts';
import { command, type NumberedBy } from '../command.ts';
import type { ArgumentReader } from '../parser/arguments.ts';
import { checkCharset, readSearchKeys } from '../parser/search-program.ts';
import { Refused } from '../refused.ts';
import { no, ok } from '../reply.ts';
import { searchContext, searchOptions } from '../search-context.ts';
import type { ImapSession } from '../session-loop.ts';
import type { Selected } from '../state.ts';

/** What SORT can return too (RFC 5267 §3). */
export const numberOptions = ['MIN', 'MAX', 'ALL', 'COUNT'];

/** SEARCH, UID SEARCH: RFC 9051 §6.4.4; ESEARCH: RFC 4731; SAVE and `$`: RFC 5182. */
export const search = command({
  names: ['SEARCH', 'UID SEARCH'],
  state: 'selected',
  parse(args, by, session) {
    const returns = readReturn(args, [...numberOptions, 'SAVE']);
    let charset = 'utf-8';
    if (args.acceptWord('CHARSET')) {
      charset = args.astring().octets.toString('latin1');
      if (session.utf8) throw new Refused(no('CHARSET is not valid in UTF8 mode as per RFC 6855'));
      checkCharset(charset);
    }
    return { by, returns, key: readSearchKeys(args, searchContext(session, charset)) };
  },
  async run(session, state, { by, returns, key }) {
    if (returns?.has('SAVE')) state.savedResult = new Uint32Array(0);
    const indexes = await find(state.view, key, searchOptions(session));
    const numbers =
      by === 'uid' ? indexes.map((index) => state.view.uids[index]!) : indexes.map((index) => index + 1);
    if (returns === undefined) writeNumbers(session, '* SEARCH', numbers);
    else {
      if (returns.has('SAVE')) save(state, returns, indexes);
      writeExtended(session, by, returns, numbers);
    }
    return ok('SEARCH done.');
  },
});

/** `RETURN (MIN COUNT)`; `RETURN ()` is ALL; undefined: the old answer. */
export function readReturn(args: ArgumentReader, allowed: readonly string[]): Set<string> | undefined {
  if (!args.acceptWord('RETURN')) return undefined;
  const words = new Set<string>();
  args.list(() => {
    const word = args.word();
    if (!allowed.includes(word)) args.refuse(`unknown RETURN option ${word}`);
    words.add(word);
  });
  if (words.size === 0) words.add('ALL');
  return words;
}

/** What of the result is saved depends on what else is asked for (RFC 5182 §2.4). */
function save(state: Selected, returns: ReadonlySet<string>, indexes: Uint32Array): void {
  const onlyEnds = (returns.has('MIN') || returns.has('MAX')) && !returns.has('ALL') && !returns.has('COUNT');
  const ends = [
    ...(returns.has('MIN') ? indexes.slice(0, 1) : []),
    ...(returns.has('MAX') ? indexes.slice(-1) : []),
  ];
  const saved = onlyEnds ? Uint32Array.from(new Set(ends)) : indexes;
  state.savedResult = saved.map((index) => state.view.uids[index]!);
}

/** `* SEARCH 1 2 3`, also SORT's answer. */
export function writeNumbers(session: ImapSession, label: string, numbers: Uint32Array): void {
  const { writer } = session;
  writer.text(label);
  for (const number of numbers) writer.text(' ').number(number);
  writer.text('\r\n');
}

/** `* ESEARCH`; the numbers in their order, which is SORT's. */
export function writeExtended(
  session: ImapSession,
  by: NumberedBy,
  returns: ReadonlySet<string>,
  numbers: Uint32Array,
): void {
  if (returns.size === 1 && returns.has('SAVE')) return;
  let line = `* ESEARCH (TAG "${session.tag.replace(/["\\]/g, '\\$&')}")${by === 'uid' ? ' UID' : ''}`;
  if (numbers.length > 0) {
    if (returns.has('MIN')) line += ` MIN ${numbers[0]}`;
    if (returns.has('MAX')) line += ` MAX ${numbers[numbers.length - 1]}`;
    if (returns.has('ALL')) line += ` ALL ${formatNumberSet(numbers)}`;
  }
  if (returns.has('COUNT')) line += ` COUNT ${numbers.length}`;
  session.writer.line(line);
}
