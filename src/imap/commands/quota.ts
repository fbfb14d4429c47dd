import { command } from '../command.ts';
import { mailboxName, readMailbox } from '../parser/mailbox-name.ts';
import { no, ok } from '../reply.ts';
import { quoted } from '../writer.ts';

/** GETQUOTAROOT: RFC 9208 §4.1.3; without a quota the root has no limits. */
export const getQuotaRoot = command({
  names: ['GETQUOTAROOT'],
  state: 'authenticated',
  parse: (args, _by, session) => readMailbox(args, session.utf8),
  run(session, { mailboxes }, name) {
    mailboxes.resolve(name);
    session.writer.line(`* QUOTAROOT ${mailboxName(name, session.utf8)} "ROOT"`).line('* QUOTA "ROOT" ()');
    return ok('GETQUOTAROOT Ok.');
  },
});

/** GETQUOTA: RFC 9208 §4.1.1. */
export const getQuota = command({
  names: ['GETQUOTA'],
  state: 'authenticated',
  parse: (args) => args.astring().octets.toString('latin1'),
  run(session, _state, root) {
    session.writer.line(`* QUOTA ${quoted(root)} ()`);
    return ok('GETQUOTA Ok.');
  },
});

/** SETQUOTA: RFC 9208 §4.1.2; the administrator's alone. */
export const setQuota = command({
  names: ['SETQUOTA'],
  state: 'authenticated',
  parse(args) {
    args.astring();
    args.list(() => args.atom());
  },
  run: () => no('SETQUOTA No permission.'),
});
