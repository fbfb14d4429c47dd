import { command } from '../command.ts';
import { ok } from '../reply.ts';

/** CHECK: RFC 3501 §6.4.1; everything is on disk already. */
export const check = command({
  names: ['CHECK'],
  state: 'selected',
  changes: 'send',
  parse: () => undefined,
  run: () => ok('CHECK completed'),
});
