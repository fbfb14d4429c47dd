import { Pacer } from '../../search/pacer.ts';
import { sort as order, type SortCriterion, type SortField } from '../../search/sort.ts';
import { thread as arrange, formatThreads, type ThreadAlgorithm } from '../../search/thread.ts';
import { command } from '../command.ts';
import type { ArgumentReader } from '../parser/arguments.ts';
import { checkCharset, readSearchKeys } from '../parser/search-program.ts';
import { Refused } from '../refused.ts';
import { bad, no, ok } from '../reply.ts';
import { searchContext, searchOptions } from '../search-context.ts';
import type { ImapSession } from '../session-loop.ts';
import { writeNumbers } from './search.ts';

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

/** SORT, UID SORT: RFC 5256. */
export const sort = command({
  names: ['SORT', 'UID SORT'],
  state: 'selected',
  parse(args, by, session) {
    checkEnabled(session);
    const criteria = readCriteria(args, session.settings.limits.searchKeys);
    const charset = readCharset(args, session);
    return { by, criteria, key: readSearchKeys(args, searchContext(session, charset)) };
  },
  async run(session, { view }, { by, criteria, key }) {
    const indexes = await order(view, criteria, key, searchOptions(session));
    const numbers = indexes.map((index) => (by === 'uid' ? view.uids[index]! : index + 1));
    writeNumbers(session, '* SORT', numbers);
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
    const numberOf = by === 'uid' ? (index: number) => view.uids[index]! : (index: number) => index + 1;
    const pacer = new Pacer(session.signal);
    session.writer.text('* THREAD ');
    for (const piece of formatThreads(forest, numberOf)) {
      session.writer.text(piece);
      if (pacer.due()) await pacer.pause();
    }
    session.writer.text('\r\n');
    return ok('THREAD done.');
  },
});

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
