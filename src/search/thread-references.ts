import type { Facts } from './facts.ts';
import type { Pacer } from './pacer.ts';
import { ForestBuilder, type ThreadForest } from './thread-forest.ts';

/**
 * THREAD=REFERENCES (RFC 5256 §3) in columns.
 *
 * A node is a container of the RFC. The first nodes are the messages in the order of their sent dates, so that a
 * node's number is its place among siblings; behind them come the missing messages that others refer to, and the
 * parents made up for equal subjects. A missing parent's place is that of its first child. While threads are
 * built only parents are noted; the children's lists come last, in one walk over the messages.
 *
 * @param ordered  indexes of the view by sent date
 */
export async function threadByReferences(
  facts: Facts,
  ordered: Int32Array,
  pacer: Pacer,
): Promise<ThreadForest> {
  const links = new Links(facts, ordered);
  for (const step of [links.linkReferences(), links.dropMissing(), links.mergeSubjects()]) {
    for (const _ of step) if (pacer.due()) await pacer.pause();
  }
  return links.forest();
}

/** Work between two looks at the clock. */
const stride = 1024;

class Links {
  readonly #facts: Facts;
  readonly #ordered: Int32Array;
  /** Messages; nodes from here on are missing ones. */
  readonly #messages: number;
  readonly #parent: number[] = [];
  /** Nodes below it, at any time one too many at worst: 0 means that no link to it can make a loop. */
  readonly #hasChildren: boolean[] = [];

  constructor(facts: Facts, ordered: Int32Array) {
    this.#facts = facts;
    this.#ordered = ordered;
    this.#messages = ordered.length;
    for (let node = 0; node < ordered.length; node++) this.#addNode();
  }

  #addNode(): number {
    this.#hasChildren.push(false);
    return this.#parent.push(-1) - 1;
  }

  /** Step 1: a chain of parents for each message, from its references. */
  *linkReferences(): Generator<void> {
    const { messageId, references, referencesStart, referencesCount, strings } = this.#facts;
    const nodeOfId = new Int32Array(strings.size).fill(-1);
    // The first message in mailbox order owns an id; others with the same one are messages without an id.
    const nodeOfIndex = new Int32Array(this.#facts.count).fill(-1);
    for (let node = 0; node < this.#messages; node++) nodeOfIndex[this.#ordered[node]!] = node;
    for (let index = 0; index < nodeOfIndex.length; index++) {
      const id = messageId[index]!;
      if (nodeOfIndex[index]! >= 0 && id >= 0 && nodeOfId[id]! < 0) nodeOfId[id] = nodeOfIndex[index]!;
    }
    yield;
    for (let index = 0; index < nodeOfIndex.length; index++) {
      if (index % stride === 0) yield;
      const node = nodeOfIndex[index]!;
      if (node < 0) continue;
      let last = -1;
      const start = referencesStart[index]!;
      for (let at = start; at < start + referencesCount[index]!; at++) {
        const id = references[at]!;
        let next = nodeOfId[id]!;
        if (next < 0) {
          next = this.#addNode();
          nodeOfId[id] = next;
        }
        if (last >= 0 && this.#parent[next]! < 0) this.#link(last, next);
        last = next;
      }
      if (last >= 0 && this.#parent[node] !== last) {
        // What others said about this message's parent counts less than what it says itself.
        const before = this.#parent[node]!;
        this.#parent[node] = -1;
        if (!this.#link(last, node)) this.#parent[node] = before;
      }
    }
  }

  /** Makes `child` a child unless that closes a loop. */
  #link(parent: number, child: number): boolean {
    if (parent === child) return false;
    if (this.#hasChildren[child]) {
      for (let above = parent; above >= 0; above = this.#parent[above]!) if (above === child) return false;
    }
    this.#parent[child] = parent;
    this.#hasChildren[parent] = true;
    return true;
  }

  /**
   * Step 3: missing messages go, their children move up; one without a parent stays if it holds several together.
   */
  *dropMissing(): Generator<void> {
    const parent = this.#parent;
    // Above a missing node: the next message, or the missing node at the top.
    const above = new Int32Array(parent.length).fill(-1);
    const childrenOfTop = new Int32Array(parent.length);
    for (let node = 0; node < this.#messages; node++) {
      if (node % stride === 0) yield;
      const top = this.#aboveMissing(parent[node]!, above);
      parent[node] = top;
      if (top >= this.#messages) childrenOfTop[top]!++;
    }
    for (let node = 0; node < this.#messages; node++) {
      const top = parent[node]!;
      if (top >= this.#messages && childrenOfTop[top] === 1) parent[node] = -1;
    }
    for (let node = this.#messages; node < parent.length; node++) parent[node] = -1;
  }

  #aboveMissing(start: number, above: Int32Array): number {
    let node = start;
    while (node >= this.#messages && above[node]! < 0) {
      const next = this.#parent[node]!;
      if (next < 0) above[node] = node;
      else node = next;
    }
    const top = node >= this.#messages ? above[node]! : node;
    for (let each = start; each >= this.#messages && above[each]! < 0; each = this.#parent[each]!)
      above[each] = top;
    return top;
  }

  /** Step 5: threads of one base subject become one. */
  *mergeSubjects(): Generator<void> {
    const first = this.#firstChildren();
    const nodeOfSubject = new Map<number, number>();
    const roots = this.#roots(first);
    for (let i = 0; i < roots.length; i++) {
      if (i % stride === 0) yield;
      const root = roots[i]!;
      const subject = this.#subjectOf(root, first);
      if (subject < 0) continue;
      const held = nodeOfSubject.get(subject);
      if (
        held === undefined ||
        (held < this.#messages && (root >= this.#messages || (this.#isReply(held) && !this.#isReply(root))))
      ) {
        nodeOfSubject.set(subject, root);
      }
    }
    for (let i = 0; i < roots.length; i++) {
      if (i % stride === 0) yield;
      const root = roots[i]!;
      const subject = this.#subjectOf(root, first);
      const held = subject < 0 ? root : nodeOfSubject.get(subject)!;
      if (held === root) continue;
      if (held >= this.#messages || (this.#isReply(root) && !this.#isReply(held))) {
        // A missing parent below a missing one stands for nothing: forest() gives its children to the upper one.
        this.#parent[root] = held;
      } else {
        const made = this.#addNode();
        this.#parent[root] = made;
        this.#parent[held] = made;
        nodeOfSubject.set(subject, made);
      }
    }
  }

  /** The first message below each missing node at the top, by number of the node less the messages; else -1. */
  #firstChildren(): Int32Array {
    const first = new Int32Array(this.#parent.length - this.#messages).fill(-1);
    for (let node = this.#messages - 1; node >= 0; node--) {
      const top = this.#parent[node]!;
      if (top >= this.#messages) first[top - this.#messages] = node;
    }
    return first;
  }

  /** All nodes without a parent, in order. */
  #roots(first: Int32Array): number[] {
    const roots: number[] = [];
    for (let node = 0; node < this.#messages; node++) {
      const top = this.#parent[node]!;
      if (top < 0) roots.push(node);
      else if (top >= this.#messages && first[top - this.#messages] === node) roots.push(top);
    }
    return roots;
  }

  /** The base subject of a thread, -1 if it is empty. */
  #subjectOf(root: number, first: Int32Array): number {
    const node = root < this.#messages ? root : first[root - this.#messages]!;
    const subject = this.#facts.baseSubject[this.#ordered[node]!]!;
    return subject < 0 || this.#facts.strings.text(subject) === '' ? -1 : subject;
  }

  #isReply(node: number): boolean {
    return node < this.#messages && this.#facts.isReply[this.#ordered[node]!] === 1;
  }

  /** Steps 4 and 6 are this walk: in the order of sent dates each node goes behind its elder siblings. */
  forest(): ThreadForest {
    const index = new Int32Array(this.#parent.length).fill(-1);
    index.set(this.#ordered);
    const builder = new ForestBuilder(index);
    for (let node = 0; node < this.#messages; node++) {
      let parent = this.#parent[node]!;
      while (parent >= this.#messages && this.#parent[parent]! >= 0) parent = this.#parent[parent]!;
      if (parent < 0) builder.addRoot(node);
      else {
        if (parent >= this.#messages && !builder.hasChildren(parent)) builder.addRoot(parent);
        builder.addChild(parent, node);
      }
    }
    return builder.forest();
  }
}
