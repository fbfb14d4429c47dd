import { command } from '../command.ts';
import { ok } from '../reply.ts';

/** NAMESPACE: RFC 2342. */
export const namespace = command({
  names: ['NAMESPACE'],
  state: 'authenticated',
  parse: () => undefined,
  run(session, { mailboxes }) {
    const { personal, shared } = mailboxes.namespaces();
    session.writer.line(`* NAMESPACE ${format(personal)} NIL ${format(shared)}`);
    return ok('NAMESPACE completed.');
  },
});

function format(prefixes: readonly string[]): string {
  return `(${prefixes.map((prefix) => `("${prefix}" ".")`).join('')})`;
}
