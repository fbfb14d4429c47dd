import { sort as order, type SortCriterion, type SortField } from '../../search/sort.ts';
import { thread as arrange, formatThreads, type ThreadAlgorithm } from '../../search/thread.ts';
import { writeAnswer } from '../answers.ts';
import { command, type NumberedBy } from '../command.ts';
import type { ArgumentReader } from '../parser/arguments.ts';
import { checkCharset, readSearchKeys } from '../parser/search-program.ts';
import { Refused } from '../refused.ts';
import { bad, no, ok } from '../reply.ts';
import { searchContext, searchOptions } from '../search-context.ts';
import type { ImapSession } from '../session-loop.ts';
import type { View } from '../view.ts';
import { numberOptions, readReturn, writeExtended } from './search.ts';

const sortFields: Readonly<Record<string, SortField>> = {
  ARRIVAL: 'arrival',
  CC: 'cc',
  DATE: 'date',
  FROM: 'from',
  SIZE: 'size',
  SUBJECT: 'subject',
  TO: 'to',
};

const algorithms: Readonly<Record<string, ThreadAlgorithm>> = {
  ORDEREDSUBJECT: 'orderedSubject',
  REFERENCES: 'references',
};

/** SORT, UID SORT: RFC 5256; ESORT: RFC 5267 §3. */
export const sort = command({
  names: ['SORT', 'UID SORT'],
  state: 'selected',
  parse(args, by, session) {
    checkEnabled(session);
    const returns = readReturn(args, numberOptions);
    const criteria = readCriteria(args, session.settings.limits.searchKeys);
    const charset = readCharset(args, session);
    return { by, returns, criteria, key: readSearchKeys(args, searchContext(session, charset)) };
  },
  async run(session, { view }, { by, returns, criteria, key }) {
    const indexes = await order(view, criteria, key, searchOptions(session));
    if (returns !== undefined) {
      writeExtended(session, by, returns, indexes.map(numbering(view, by)));
      return ok('SORT done.');
    }
    await writeAnswer(session, '* SORT', indexes, by, formatNumbers(indexes, numbering(view, by)));
    return ok('SORT done.');
  },
});

/** THREAD, UID THREAD: RFC 5256. */
export const thread = command({
  names: ['THREAD', 'UID THREAD'],
  state: 'selected',
  parse(args, by, session) {
    checkEnabled(session);
    const algorithm = algorithms[args.word()] ?? args.refuse('unknown threading algorithm');
    const charset = readCharset(args, session);
    return { by, algorithm, key: readSearchKeys(args, searchContext(session, charset)) };
  },
  async run(session, { view }, { by, algorithm, key }) {
    const forest = await arrange(view, algorithm, key, searchOptions(session));
    await writeAnswer(session, '* THREAD ', forest, by, formatThreads(forest, numbering(view, by)));
    return ok('THREAD done.');
  },
});

function numbering({ uids }: View, by: NumberedBy): (index: number) => number {
  return by === 'uid' ? (index) => uids[index]! : (index) => index + 1;
}

/** Numbers of a piece. */
const pieceNumbers = 1024;

/** ` 3 1 2`, in pieces. */
function* formatNumbers(indexes: Uint32Array, numberOf: (index: number) => number): Generator<string> {
  for (let from = 0; from < indexes.length; from += pieceNumbers) {
    let piece = '';
    const end = Math.min(from + pieceNumbers, indexes.length);
    for (let i = from; i < end; i++) piece += ` ${numberOf(indexes[i]!)}`;
    yield piece;
  }
}

function checkEnabled(session: ImapSession): void {
  if (session.settings.disableThreadSort) {
    throw new Refused(no('This command is disabled by the system administrator.'));
  }
}

function readCriteria(args: ArgumentReader, most: number): SortCriterion[] {
  const criteria: SortCriterion[] = [];
  let reverse = false;
  args.list(() => {
    const word = args.word();
    if (criteria.length === most) args.refuse('too many sort criteria');
    if (word === 'REVERSE' && !reverse) {
      reverse = true;
      return;
    }
    criteria.push({ field: sortFields[word] ?? args.refuse('unknown sort criterion'), reverse });
    reverse = false;
  });
  if (criteria.length === 0 || reverse) args.refuse('sort criterion expected');
  return criteria;
}

function readCharset(args: ArgumentReader, session: ImapSession): string {
  const charset = args.astring().octets.toString('latin1');
  if (session.utf8 && charset.toUpperCase() !== 'UTF-8') {
    throw new Refused(bad('[BADCHARSET] Only UTF-8 charset is valid after enabling RFC 6855 support'));
  }
  checkCharset(charset);
  return charset;
}
