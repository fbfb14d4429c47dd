import type { Mailboxes } from '../../access/mailboxes.ts';
import { command } from '../command.ts';
import { mailboxName, readMailbox } from '../parser/mailbox-name.ts';
import { no, ok } from '../reply.ts';
import { quoted } from '../writer.ts';

/** GETQUOTAROOT: RFC 9208 §4.1.3; the mailbox need not exist. */
export const getQuotaRoot = command({
  names: ['GETQUOTAROOT'],
  state: 'authenticated',
  parse: (args, _by, session) => readMailbox(args, session.utf8),
  async run(session, { mailboxes }, name) {
    const root = mailboxes.quotaRoot(name);
    session.writer.line(`* QUOTAROOT ${mailboxName(name, session.utf8)} "${root}"`);
    session.writer.line(await quotaLine(mailboxes, root));
    return ok('GETQUOTAROOT Ok.');
  },
});

/** GETQUOTA: RFC 9208 §4.1.1. */
export const getQuota = command({
  names: ['GETQUOTA'],
  state: 'authenticated',
  parse: (args) => args.astring().octets.toString('latin1'),
  async run(session, { mailboxes }, root) {
    session.writer.line(await quotaLine(mailboxes, root));
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

/** `* QUOTA "ROOT" (STORAGE 2 5 MESSAGE 4 10)`, KiB rounded up; only limits that exist. */
async function quotaLine(mailboxes: Mailboxes, root: string): Promise<string> {
  const quota = await mailboxes.quota(root);
  const limits: string[] = [];
  if (quota !== undefined && quota.limit.octets > 0) {
    limits.push(`STORAGE ${kibibytes(quota.usage.octets)} ${kibibytes(quota.limit.octets)}`);
  }
  if (quota !== undefined && quota.limit.messages > 0) {
    limits.push(`MESSAGE ${quota.usage.messages} ${quota.limit.messages}`);
  }
  return `* QUOTA ${quoted(root)} (${limits.join(' ')})`;
}

function kibibytes(octets: number): number {
  return Math.ceil(octets / 1024);
}
