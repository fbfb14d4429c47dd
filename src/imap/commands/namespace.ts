import type { Namespace } from '../../access/mailboxes.ts';
import { command } from '../command.ts';
import { ok } from '../reply.ts';

/** NAMESPACE: RFC 2342. */
export const namespace = command({
  names: ['NAMESPACE'],
  state: 'authenticated',
  parse: () => undefined,
  run(session, { mailboxes }) {
    const { personal, others, shared } = mailboxes.namespaces();
    session.writer.line(`* NAMESPACE ${format(personal)} ${format(others)} ${format(shared)}`);
    return ok('NAMESPACE completed.');
  },
});

function format(namespaces: readonly Namespace[]): string {
  if (namespaces.length === 0) return 'NIL';
  return `(${namespaces.map(({ prefix, delimiter }) => `("${prefix}" "${delimiter}")`).join('')})`;
}
