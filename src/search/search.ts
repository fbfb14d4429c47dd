import { MailError } from '../base/mail-error.ts';
import { Asker } from './asker.ts';
import { maskOf, rowsOf } from './columns.ts';
import { factsOf } from './facts.ts';
import type { SearchKey } from './keys.ts';
import { Pacer } from './pacer.ts';
import { excludeByIndex } from './text-index.ts';
import { updateInBackground } from './text-index-background.ts';
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
  const { folder, uids, count } = view;
  if (key.kind === 'all' && folder.uids === uids && count <= folder.count) return firstIndexes(count);
  const rows = rowsOf(view);
  const tree = buildTree(key, (each) => maskOf(each, view, rows));
  let verdicts = judge(tree, view.count);
  let excluded: ReadonlyMap<ContentKey, Uint8Array> | undefined;
  if (isWorthAnIndex(view, tree, verdicts)) {
    excluded = await askIndex(view, tree, pacer);
    verdicts = judge(tree, view.count, excluded);
  }
  for (let i = 0; i < rows.length; i++) if (rows[i]! < 0) verdicts[i] = verdict.no;
  await openVerdicts(view, tree, verdicts, excluded, options.nowSeconds, pacer);
  return indexesOf(verdicts);
}

/** Fewer messages than these are opened sooner than the index is. */
const fewMessages = 50;

function isWorthAnIndex({ folder, count }: SearchView, tree: Node, verdicts: Uint8Array): boolean {
  const { textIndexFrom } = folder.settings;
  if (textIndexFrom === undefined || count < textIndexFrom) return false;
  if (!askedKeys(tree).some(({ kind }) => kind === 'body' || kind === 'text')) return false;
  let open = 0;
  for (const each of verdicts) if (each === verdict.open && ++open === fewMessages) return true;
  return false;
}

/** Looks into the text index, and has it made or repaired for the next time where it says little. */
async function askIndex(
  view: SearchView,
  tree: Node,
  pacer: Pacer,
): Promise<ReadonlyMap<ContentKey, Uint8Array>> {
  const { folder, count } = view;
  const { masks, missing, isDamaged } = await excludeByIndex(view, askedKeys(tree), pacer);
  if (isDamaged || missing > Math.max(fewMessages, count / 50)) void updateInBackground(folder, isDamaged);
  return masks;
}

/** Opens the messages whose verdict is open, and closes it. */
async function openVerdicts(
  view: SearchView,
  tree: Node,
  verdicts: Uint8Array,
  excluded: ReadonlyMap<ContentKey, Uint8Array> | undefined,
  nowSeconds: number,
  pacer: Pacer,
): Promise<void> {
  const keys = askedKeys(tree);
  if (keys.length === 0) return;
  await view.folder.computed.ready();
  const asker = new Asker(view, factsOf(view), keys, nowSeconds, excluded);
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

function firstIndexes(count: number): Uint32Array {
  const indexes = new Uint32Array(count);
  for (let i = 0; i < count; i++) indexes[i] = i;
  return indexes;
}

function indexesOf(verdicts: Uint8Array): Uint32Array {
  const indexes = new Uint32Array(verdicts.length);
  let count = 0;
  for (let i = 0; i < verdicts.length; i++) if (verdicts[i] === verdict.yes) indexes[count++] = i;
  return indexes.slice(0, count);
}
