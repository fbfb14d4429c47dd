import { type NumberRanges, resolveRanges } from '../base/number-set.ts';
import type { NumberedBy } from './command.ts';
import type { ArgumentReader } from './parser/arguments.ts';
import type { ImapSession } from './session-loop.ts';
import type { Selected } from './state.ts';

/** The messages a command names: numbers as the client wrote them, or `$`, the saved result (RFC 5182). */
export type MessageSet =
  | { readonly by: NumberedBy; readonly ranges: NumberRanges }
  | { readonly by: 'saved' };

/** Inclusive ranges of view indexes, ascending. */
export type IndexRanges = readonly (readonly [number, number])[];

export function readMessageSet(args: ArgumentReader, by: NumberedBy): MessageSet {
  if (args.accept('$')) return { by: 'saved' };
  return { by, ranges: args.numberSet() };
}

/**
 * The messages of a set that the session knows. Numbers beyond the mailbox are told to the client as Courier
 * does (imap-server §1.1); unknown UIDs are silent.
 */
export function resolveMessages(session: ImapSession, state: Selected, set: MessageSet): IndexRanges {
  const { view } = state;
  if (set.by === 'saved') return savedRanges(state);
  if (set.by === 'uid') {
    if (view.count === 0) return [];
    const result: [number, number][] = [];
    for (const [from, to] of resolveRanges(set.ranges, view.uids[view.count - 1]!)) {
      const first = view.lowerBound(from);
      const last = view.lowerBound(to + 1) - 1;
      if (first <= last) result.push([first, last]);
    }
    return result;
  }
  const result: [number, number][] = [];
  for (const [from, to] of resolveRanges(set.ranges, view.count)) {
    if (to > view.count) {
      session.writer.line(`* NO Invalid message sequence number: ${Math.max(from, view.count + 1)}`);
    }
    const first = Math.max(from, 1) - 1;
    const last = Math.min(to, view.count) - 1;
    if (first <= last) result.push([first, last]);
  }
  return result;
}

function savedRanges(state: Selected): [number, number][] {
  const result: [number, number][] = [];
  for (const uid of state.savedResult) {
    const index = state.view.indexOf(uid);
    if (index < 0) continue;
    const last = result[result.length - 1];
    if (last !== undefined && last[1] === index - 1) last[1] = index;
    else result.push([index, index]);
  }
  return result;
}

/** The UIDs behind index ranges, ascending. */
export function uidsOf(state: Selected, ranges: IndexRanges): number[] {
  const uids: number[] = [];
  for (const [first, last] of ranges) for (let i = first; i <= last; i++) uids.push(state.view.uids[i]!);
  return uids;
}
