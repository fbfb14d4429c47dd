/**
 * Threads in columns. Nodes are 0 to `index.length` - 1; -1 ends a chain.
 * `index` is the view's index of the node's message, or -1 for a missing parent.
 */
export interface ThreadForest {
  readonly index: Int32Array;
  readonly firstChild: Int32Array;
  readonly nextSibling: Int32Array;
  readonly firstRoot: number;
}

/** Builds a forest by adding nodes behind the children their parents have already. */
export class ForestBuilder {
  readonly #index: Int32Array;
  readonly #firstChild: Int32Array;
  readonly #nextSibling: Int32Array;
  readonly #lastChild: Int32Array;
  #firstRoot = -1;
  #lastRoot = -1;

  /** @param index  each node's message, as in {@link ThreadForest} */
  constructor(index: Int32Array) {
    this.#index = index;
    this.#firstChild = new Int32Array(index.length).fill(-1);
    this.#nextSibling = new Int32Array(index.length).fill(-1);
    this.#lastChild = new Int32Array(index.length).fill(-1);
  }

  addRoot(node: number): void {
    if (this.#lastRoot < 0) this.#firstRoot = node;
    else this.#nextSibling[this.#lastRoot] = node;
    this.#lastRoot = node;
  }

  addChild(parent: number, node: number): void {
    const last = this.#lastChild[parent]!;
    if (last < 0) this.#firstChild[parent] = node;
    else this.#nextSibling[last] = node;
    this.#lastChild[parent] = node;
  }

  hasChildren(node: number): boolean {
    return this.#firstChild[node]! >= 0;
  }

  forest(): ThreadForest {
    return {
      index: this.#index,
      firstChild: this.#firstChild,
      nextSibling: this.#nextSibling,
      firstRoot: this.#firstRoot,
    };
  }
}

/** Characters of a piece, about. */
const pieceLength = 8192;

/**
 * The data of `* THREAD`, in pieces: `(1 (2 3)(4))(5)`; a chain of single children is written flat (RFC 5256 §4).
 * @param numberOf  index to the number sent: sequence number or UID
 */
export function* formatThreads(forest: ThreadForest, numberOf: (index: number) => number): Generator<string> {
  const { index, firstChild, nextSibling } = forest;
  if (forest.firstRoot < 0) return;
  /** The node that opened each parenthesis not closed yet; no recursion, a thread may be very deep. */
  const open = [forest.firstRoot];
  let text = '(';
  let node = forest.firstRoot;
  while (open.length > 0) {
    if (text.length >= pieceLength) {
      yield text;
      text = '';
    }
    const child = firstChild[node]!;
    const isMessage = index[node]! >= 0;
    if (isMessage) text += numberOf(index[node]!);
    if (child >= 0) {
      if (isMessage) text += ' ';
      if (nextSibling[child]! >= 0) {
        text += '(';
        open.push(child);
      }
      node = child;
      continue;
    }
    for (text += ')'; open.length > 0; text += open.length > 0 ? ')' : '') {
      const sibling = nextSibling[open.pop()!]!;
      if (sibling < 0) continue;
      open.push(sibling);
      text += '(';
      node = sibling;
      break;
    }
  }
  yield text;
}
