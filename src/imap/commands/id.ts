import { readFileSync } from 'node:fs';
import { release, type } from 'node:os';
import { peer } from '../../login/log-lines.ts';
import { command } from '../command.ts';
import { ok } from '../reply.ts';

const maxPairs = 30;
const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** ID: RFC 2971, imap-server §7; there only if IMAP_ID_FIELDS is set. */
export const id = command({
  names: ['ID'],
  state: 'any',
  parse(args, _by, session) {
    const pairs: [string, string | undefined][] = [];
    if (session.settings.idFields === undefined) args.refuse('unknown command');
    if (args.acceptNil()) return pairs;
    args.list(() => {
      if (pairs.length === maxPairs) args.refuse('too many fields');
      pairs.push([args.string().octets.toString(), args.nstring()?.octets.toString()]);
    });
    if (pairs.length === 0) args.refuse('nothing in the list');
    return pairs;
  },
  run(session, state, pairs) {
    if (pairs.length > 0) {
      const user =
        state.kind === 'authenticated' || state.kind === 'selected' ? `user=${state.account.address}, ` : '';
      const said = pairs.map(([key, value]) => `${key}=${value ?? '(nil)'}`).join(', ');
      session.services.log.info(`ID, ${user}${peer(session.connection)}, ${said}`);
    }
    const bits = session.settings.idFields ?? 0;
    const fields = ['"name" "Courier-IMAP"'];
    if (bits & 1) fields.push(`"version" "5.2.11 (Postrider ${version})"`);
    if (bits & 2) fields.push(`"os" "${type()}"`);
    if (bits & 4) fields.push(`"os-version" "${release()}"`);
    session.writer.line(`* ID (${fields.join(' ')} "vendor" "Double Precision, Inc.")`);
    return ok('ID completed');
  },
});
