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
    const root = Buffer.from(mailboxes.quotas.rootOf(name)).toString('latin1');
    session.writer.line(`* QUOTAROOT ${mailboxName(name, session.utf8)} ${quoted(root)}`);
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

/** SETQUOTA: RFC 9208 §4.1.2, for administrators: limits that are not named are taken away. */
export const setQuota = command({
  names: ['SETQUOTA'],
  state: 'authenticated',
  refuse: {
    noPermission: 'SETQUOTA No permission.',
    notFound: '[NONEXISTENT] There is no such quota root.',
    cannot: '[CANNOT] The quota of this account is set elsewhere.',
  },
  parse(args) {
    const root = args.astring().octets.toString('latin1');
    const limits = new Map<string, number>();
    args.list(() => {
      const resource = args.word();
      limits.set(resource, args.number());
    });
    return { root, limits };
  },
  async run(session, { mailboxes }, { root, limits }) {
    if ([...limits.keys()].some((name) => name !== 'STORAGE' && name !== 'MESSAGE')) {
      return no('[CANNOT] Only STORAGE and MESSAGE can be limited.');
    }
    const octets = (limits.get('STORAGE') ?? 0) * 1024;
    await mailboxes.quotas.setLimit(decoded(root), { octets, messages: limits.get('MESSAGE') ?? 0 });
    session.writer.line(await quotaLine(mailboxes, root));
    return ok('SETQUOTA Ok.');
  },
});

/** `* QUOTA "ROOT" (STORAGE 2 5 MESSAGE 4 10)`, KiB rounded up; only limits that exist. */
async function quotaLine(mailboxes: Mailboxes, root: string): Promise<string> {
  const { quota, mailboxes: folders } = (await mailboxes.quotas.report(decoded(root))) ?? {};
  const limits: string[] = [];
  if (quota !== undefined && quota.limit.octets > 0) {
    limits.push(`STORAGE ${kibibytes(quota.usage.octets)} ${kibibytes(quota.limit.octets)}`);
  }
  if (quota !== undefined && quota.limit.messages > 0) {
    limits.push(`MESSAGE ${quota.usage.messages} ${quota.limit.messages}`);
  }
  if (folders) limits.push(`MAILBOX ${folders.used} ${folders.limit}`);
  return `* QUOTA ${quoted(root)} (${limits.join(' ')})`;
}

/** Names of roots are octets on the wire, in UTF-8. */
function decoded(root: string): string {
  return Buffer.from(root, 'latin1').toString();
}

function kibibytes(octets: number): number {
  return Math.ceil(octets / 1024);
}
