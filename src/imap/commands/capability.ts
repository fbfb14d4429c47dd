import { command } from '../command.ts';
import { ok } from '../reply.ts';

/** CAPABILITY: RFC 9051 §6.1.1. */
export const capability = command({
  names: ['CAPABILITY'],
  state: 'any',
  parse: () => undefined,
  run(session) {
    session.writer.line(`* CAPABILITY ${session.capabilityText()}`);
    return ok('CAPABILITY completed');
  },
});
