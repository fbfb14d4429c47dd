import { MailError } from '../base/mail-error.ts';
import { Asker } from './asker.ts';
import { maskOf, rowsOf } from './columns.ts';
import { factsOf } from './facts.ts';
import type { SearchKey } from './keys.ts';
import { Pacer } from './pacer.ts';
import { askedKeys, buildTree, type ContentKey, decide, judge, type Node, verdict } from './tree.ts';
import type { SearchOptions, SearchView } from './view.ts';

/**
 * Finds the messages of a view that match (RFC 3501 §6.4.4). Flags, sets and the like are answered at once from
 * the folder's columns; a message's file is opened only where they leave its answer open. Messages that have gone,
 * or that cannot be read when something in them is asked for, do not match.
 * @returns ascending indexes of the view: index + 1 is the sequence number, `view.uids[index]` the UID
 */
export function search(view: SearchView, key: SearchKey, options: SearchOptions): Promise<Uint32Array> {
  return searchPaced(view, key, options, new Pacer(options.signal));
}

/** {@link search} within a longer piece of work that counts its own time. */
export async function searchPaced(
  view: SearchView,
  key: SearchKey,
  options: SearchOptions,
  pacer: Pacer,
): Promise<Uint32Array> {
  const rows = rowsOf(view);
  const tree = buildTree(key, (each) => maskOf(each, view, rows));
  const verdicts = judge(tree, view.count);
  for (let i = 0; i < rows.length; i++) if (rows[i]! < 0) verdicts[i] = verdict.no;
  await openVerdicts(view, tree, verdicts, options.nowSeconds, pacer);
  return indexesOf(verdicts);
}

/** Opens the messages whose verdict is open, and closes it. */
async function openVerdicts(
  view: SearchView,
  tree: Node,
  verdicts: Uint8Array,
  nowSeconds: number,
  pacer: Pacer,
): Promise<void> {
  const keys = askedKeys(tree);
  if (keys.length === 0) return;
  const asker = new Asker(view, factsOf(view), keys, nowSeconds);
  try {
    for (let i = 0; i < verdicts.length; i++) {
      if (verdicts[i] !== verdict.open) continue;
      if (pacer.due()) {
        asker.close();
        await pacer.pause();
      }
      let matches = answerOf(tree, i, asker);
      matches ??= await answerSlowly(tree, i, asker, keys, pacer);
      verdicts[i] = matches ? verdict.yes : verdict.no;
    }
  } finally {
    asker.close();
  }
}

/** @returns undefined if it takes longer */
function answerOf(tree: Node, index: number, asker: Asker): boolean | undefined {
  try {
    asker.use(index);
    return decide(tree, index, asker.ask);
  } catch (error) {
    return unreadable(error);
  }
}

async function answerSlowly(
  tree: Node,
  index: number,
  asker: Asker,
  keys: readonly ContentKey[],
  pacer: Pacer,
): Promise<boolean> {
  try {
    await asker.prepare(keys, pacer);
    return decide(tree, index, asker.ask) ?? false;
  } catch (error) {
    return unreadable(error);
  }
}

/** A message that cannot be read does not match; anything else that fails is passed on. */
function unreadable(error: unknown): false {
  if (error instanceof MailError && (error.kind === 'expunged' || error.kind === 'unavailable')) return false;
  throw error;
}

function indexesOf(verdicts: Uint8Array): Uint32Array {
  const indexes = new Uint32Array(verdicts.length);
  let count = 0;
  for (let i = 0; i < verdicts.length; i++) if (verdicts[i] === verdict.yes) indexes[count++] = i;
  return indexes.slice(0, count);
}
