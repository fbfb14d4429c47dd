import type { Facts } from './facts.ts';
import { ForestBuilder, type ThreadForest } from './thread-forest.ts';

/**
 * THREAD=ORDEREDSUBJECT (RFC 5256 §3): messages of one base subject are one thread, the earliest its root and all
 * others the root's children; threads are in the order of their roots.
 * @param ordered  indexes of the view by sent date
 */
export function threadBySubject(facts: Facts, ordered: Int32Array): ThreadForest {
  const builder = new ForestBuilder(ordered);
  const roots = new Map<number, number>();
  for (let node = 0; node < ordered.length; node++) {
    const subject = facts.baseSubject[ordered[node]!]!;
    const root = roots.get(subject);
    if (root === undefined) {
      roots.set(subject, node);
      builder.addRoot(node);
    } else builder.addChild(root, node);
  }
  return builder.forest();
}
