import { command } from '../command.ts';
import { mailboxName, readMailbox } from '../parser/mailbox-name.ts';
import { no, ok } from '../reply.ts';

/** What CREATE (USE …) may ask for, and the names that then get the attribute in LIST (RFC 6154 §3). */
const uses = ['\\ARCHIVE', '\\DRAFTS', '\\JUNK', '\\SENT', '\\TRASH'];

/** CREATE: RFC 9051 §6.3.4, imap-server §7; a trailing dot creates nothing. */
export const create = command({
  names: ['CREATE'],
  state: 'authenticated',
  parse(args, _by, session) {
    const name = readMailbox(args, session.utf8);
    const wanted: string[] = [];
    if (args.atList) {
      args.list(() => {
        if (args.word() !== 'USE') args.refuse('USE expected');
        args.list(() => {
          args.expect('\\');
          wanted.push(`\\${args.atomHere().toUpperCase()}`);
        });
      });
    }
    return { name, wanted };
  },
  async run(session, { mailboxes }, { name, wanted }) {
    const said = ok(`${mailboxName(name, session.utf8)} created.`);
    if (name.endsWith('.')) {
      mailboxes.resolve(name.slice(0, -1));
      return said;
    }
    const target = mailboxes.resolve(name);
    if (wanted.some((use) => !uses.includes(use))) return no('[USEATTR] This special use is not supported.');
    if (wanted.length > 0 && !matchesUse(mailboxes.settings.specialUse, target.name, wanted)) {
      return no('[USEATTR] Special uses go by name here: the mailbox must have the usual name.');
    }
    if (target.name === 'INBOX') return no('INBOX already exists!');
    await mailboxes.create(name);
    return said;
  },
});

function matchesUse(
  specialUse: readonly (readonly [attribute: string, names: readonly string[]])[],
  name: string,
  wanted: readonly string[],
): boolean {
  const below = name.replace(/^INBOX\./, '');
  return wanted.every((use) =>
    specialUse.some(([attribute, names]) => attribute.toUpperCase() === use && names.includes(below)),
  );
}
