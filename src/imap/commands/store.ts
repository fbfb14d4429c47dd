import { nextTurn, turnAfter } from '../../store/slices.ts';
import { command } from '../command.ts';
import { FlagBeliefs } from '../flag-belief.ts';
import { readMessageSet, resolveMessages, uidsOf } from '../message-set.ts';
import type { ArgumentReader } from '../parser/arguments.ts';
import { readFlagList } from '../parser/flag-list.ts';
import { no, ok, type Reply } from '../reply.ts';
import type { ImapSession } from '../session-loop.ts';
import type { Selected } from '../state.ts';
import { tellKeywords, writeFlags } from '../updates.ts';

const modes = { FLAGS: 'replace', '+FLAGS': 'add', '-FLAGS': 'remove' } as const;

/** STORE, UID STORE: RFC 9051 §6.4.6, imap-server §12.1. */
export const store = command({
  names: ['STORE', 'UID STORE'],
  state: 'selected',
  parse(args, by) {
    const messages = readMessageSet(args, by);
    const { mode, silent } = readItem(args);
    const { flags, keywords } = readFlagList(args);
    return { messages, withUid: by === 'uid', silent, change: { mode, flags, keywords } };
  },
  async run(session, state, { messages, withUid, silent, change }) {
    const { mailbox } = state;
    if (mailbox.readOnly) return no('Current box is selected READ-ONLY.');
    const uids = uidsOf(state, resolveMessages(session, state, messages));
    if (uids.length === 0) return ok('STORE completed.');
    await turnAfter(uids.length);
    const keywords = session.settings.keywords ? change.keywords : [];
    const strangers = changedByOthers(state, uids);
    const beliefs = silent ? new FlagBeliefs(state.view.folder, uids, change) : undefined;
    await turnAfter(uids.length);
    await mailbox.storeFlags(uids, { ...change, keywords });
    return answer(session, state, { uids, withUid, strangers, beliefs });
  },
});

function readItem(args: ArgumentReader): { mode: 'add' | 'remove' | 'replace'; silent: boolean } {
  const word = args.word();
  const silent = word.endsWith('.SILENT');
  const mode = modes[(silent ? word.slice(0, -7) : word) as keyof typeof modes];
  return { mode: mode ?? args.refuse('FLAGS expected'), silent };
}

/** Messages with changes that the client has not been told; a silent STORE must not hide them. */
function changedByOthers({ view }: Selected, uids: readonly number[]): ReadonlySet<number> {
  const { folder } = view;
  const strangers = new Set<number>();
  if (folder.highestModseq === view.modseq) return strangers;
  for (const uid of uids) {
    const row = folder.rowOf(uid);
    if (row < 0) continue;
    const modseq = folder.modseqs[row]!;
    if (modseq > view.modseq && !view.isKnown(uid, modseq)) strangers.add(uid);
  }
  return strangers;
}

/** Messages answered before other sessions get their turn. */
const perTurn = 1000;

/** What STORE has to tell; `beliefs`: it was silent. */
interface Told {
  uids: readonly number[];
  withUid: boolean;
  strangers: ReadonlySet<number>;
  beliefs: FlagBeliefs | undefined;
}

async function answer(session: ImapSession, state: Selected, told: Told): Promise<Reply> {
  const { view } = state;
  const { uids, withUid, strangers, beliefs } = told;
  tellKeywords(session, state);
  let missing = false;
  for (let i = 0; i < uids.length && !session.ended; i++) {
    if (i % perTurn === perTurn - 1) {
      await session.writer.drained();
      await nextTurn();
    }
    const uid = uids[i]!;
    const row = view.folder.rowOf(uid);
    if (row < 0) {
      missing = true;
      continue;
    }
    if (beliefs !== undefined && (strangers.has(uid) || !beliefs.isTrue(i, row))) continue;
    view.knows(uid);
    if (beliefs === undefined) writeFlags(session, view, row, view.indexOf(uid) + 1, withUid);
  }
  return ok(missing ? '[EXPUNGEISSUED] STORE completed.' : 'STORE completed.');
}
