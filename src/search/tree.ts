import type { SearchKey } from './keys.ts';

/**
 * A search key being answered for all messages at once. Cheap leaves know every answer; the others are asked per
 * message, cheapest first, and only where the cheap ones leave the result open.
 */
export type Node =
  | { readonly kind: 'known'; readonly mask: Uint8Array }
  | { readonly kind: 'and' | 'or'; readonly nodes: readonly Node[]; readonly cost: number }
  | { readonly kind: 'not'; readonly node: Node; readonly cost: number }
  | { readonly kind: 'asked'; readonly key: ContentKey; readonly cost: number };

/** The keys that need something from the message's file. */
export type ContentKey = Exclude<
  SearchKey,
  {
    kind:
      | 'all'
      | 'and'
      | 'or'
      | 'not'
      | 'flag'
      | 'keyword'
      | 'recent'
      | 'uid'
      | 'sequence'
      | 'saved'
      | 'modseq';
  }
>;

const costs: Record<ContentKey['kind'], number> = {
  before: 1,
  on: 1,
  since: 1,
  younger: 1,
  older: 1,
  sentBefore: 2,
  sentOn: 2,
  sentSince: 2,
  header: 3,
  larger: 4,
  smaller: 4,
  body: 5,
  text: 6,
};

/** @param maskOf  the answer of a key that needs no file, else undefined */
export function buildTree(key: SearchKey, maskOf: (key: SearchKey) => Uint8Array | undefined): Node {
  if (key.kind === 'not') {
    const node = buildTree(key.key, maskOf);
    return { kind: 'not', node, cost: costOf(node) };
  }
  if (key.kind === 'and' || key.kind === 'or') {
    const nodes = key.keys.map((each) => buildTree(each, maskOf)).sort((a, b) => costOf(a) - costOf(b));
    return { kind: key.kind, nodes, cost: nodes.reduce((sum, node) => sum + costOf(node), 0) };
  }
  const mask = maskOf(key);
  if (mask !== undefined) return { kind: 'known', mask };
  const asked = key as ContentKey;
  return { kind: 'asked', key: asked, cost: costs[asked.kind] };
}

function costOf(node: Node): number {
  return node.kind === 'known' ? 0 : node.cost;
}

/** Bit 1: may match; bit 2: may not match; so 3 is open. */
export const verdict = { yes: 1, no: 2, open: 3 } as const;

/**
 * What the cheap leaves alone say: a verdict for every message.
 * @param excluded  1 where it is known that an asked key does not match
 */
export function judge(
  node: Node,
  count: number,
  excluded: ReadonlyMap<ContentKey, Uint8Array> = new Map(),
): Uint8Array {
  switch (node.kind) {
    case 'known':
      return node.mask.map((matches) => (matches === 1 ? verdict.yes : verdict.no));
    case 'asked': {
      const mask = excluded.get(node.key);
      if (mask === undefined) return new Uint8Array(count).fill(verdict.open);
      return mask.map((isExcluded) => verdict.open - isExcluded);
    }
    case 'not': {
      const verdicts = judge(node.node, count, excluded);
      for (let i = 0; i < count; i++) verdicts[i] = ((verdicts[i]! & 1) << 1) | (verdicts[i]! >> 1);
      return verdicts;
    }
    default: {
      // In `and` one "no" decides, in `or` one "yes": that bit is kept by any, the other one by all.
      const all = node.kind === 'and' ? verdict.yes : verdict.no;
      const any = verdict.open - all;
      const verdicts = new Uint8Array(count).fill(all);
      for (const child of node.nodes) {
        const other = judge(child, count, excluded);
        for (let i = 0; i < count; i++) {
          verdicts[i] = (verdicts[i]! & other[i]! & all) | ((verdicts[i]! | other[i]!) & any);
        }
      }
      return verdicts;
    }
  }
}

/**
 * The answer for one message; `ask` is called only for leaves that can still decide it.
 * @returns undefined if `ask` did for a leaf that decides
 */
export function decide(
  node: Node,
  index: number,
  ask: (key: ContentKey) => boolean | undefined,
): boolean | undefined {
  switch (node.kind) {
    case 'known':
      return node.mask[index] === 1;
    case 'asked':
      return ask(node.key);
    case 'not': {
      const answer = decide(node.node, index, ask);
      return answer === undefined ? undefined : !answer;
    }
    default: {
      const usual = node.kind === 'and';
      for (const child of node.nodes) {
        const answer = decide(child, index, ask);
        if (answer !== usual) return answer;
      }
      return usual;
    }
  }
}

/** Every leaf that is asked per message. */
export function askedKeys(node: Node): ContentKey[] {
  switch (node.kind) {
    case 'known':
      return [];
    case 'asked':
      return [node.key];
    case 'not':
      return askedKeys(node.node);
    default:
      return node.nodes.flatMap(askedKeys);
  }
}
