import { command } from '../command.ts';
import { ok } from '../reply.ts';

const completed = ok('NOOP completed');

/** NOOP: RFC 9051 §6.1.2; with a mailbox it tells what has changed. */
export const noop = command({
  names: ['NOOP'],
  state: 'any',
  changes: 'send',
  parse: () => undefined,
  run: () => completed,
});
