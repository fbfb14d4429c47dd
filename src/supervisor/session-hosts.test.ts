import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { AccountRecord } from '../auth/account-record.ts';
import { createTicketChecker, createTicketIssuer } from '../auth/login-ticket.ts';
import { readReply, toAccountRecord, writeAccount } from '../auth/wire.ts';
import { silentLog } from '../base/log.ts';
import type { ConnectionHandle } from '../net/hand-over.ts';
import type { MovedSession, Owner } from './messages.ts';
import { SessionHosts } from './session-hosts.ts';

const key = randomBytes(32);
const ann = { address: 'ann', uid: 50_001, gid: 50_001, home: '/home/ann' };
const owner: Owner = { uid: 50_001, gid: 50_001, username: undefined };

async function loggedIn(): Promise<AccountRecord> {
  const issuer = createTicketIssuer(key, async () => undefined);
  const reply = await issuer.addTo(writeAccount(ann, { crypt: false, clear: false }), ann, 'auth');
  return toAccountRecord(readReply(reply) as Exclude<ReturnType<typeof readReply>, string>);
}

/** What becomes of a worker's wish. */
function place(
  account: AccountRecord,
  of: Owner,
  refusal?: (owner: Owner, session: MovedSession) => string | undefined,
) {
  const errors: string[] = [];
  const log = { ...silentLog, error: (line: string) => void errors.push(line) };
  const checker = createTicketChecker(key);
  const hosts = new SessionHosts(
    log,
    undefined,
    refusal ?? ((asked, session) => checker.refusal(session.account, asked, false)),
  );
  let [closed, ended] = [0, 0];
  const handle = { close: () => void closed++ } as unknown as ConnectionHandle;
  hosts.place(of, { account } as MovedSession, handle, [], () => void ended++);
  return { errors, closed, ended, processes: hosts.size };
}

const refused: [string, (account: AccountRecord) => AccountRecord, Owner, RegExp][] = [
  [
    'without a ticket',
    ({ ticket: _, ...account }) => account,
    owner,
    /uid 50001, gid 50001: no login ticket$/,
  ],
  [
    'of another uid',
    (account) => account,
    { ...owner, uid: 50_002 },
    /uid 50002, gid 50001: a forged login ticket$/,
  ],
  ['of another group', (account) => account, { ...owner, gid: 7 }, /a login ticket of another owner$/],
  ["with another user's groups", (account) => account, { ...owner, username: 'root' }, /of another owner$/],
  ['for another maildir', (account) => ({ ...account, maildir: '/home/bob/Maildir' }), owner, /forged/],
  ['of uid 0', (account) => account, { ...owner, uid: 0 }, /never as root$/],
  ['of gid 0', (account) => account, { ...owner, gid: 0 }, /never as root$/],
  ['of no uid', (account) => account, { ...owner, uid: Number.NaN }, /never as root$/],
];
for (const [what, change, of, line] of refused) {
  test(`no session ${what}: nothing is started, the connection ends, the log says why`, async () => {
    const { errors, closed, ended, processes } = place(change(await loggedIn()), of);
    assert.deepEqual({ closed, ended, processes }, { closed: 1, ended: 1, processes: 0 });
    assert.equal(errors.length, 1);
    assert.match(errors[0]!, line);
  });
}

test('a hand-over whose client has gone starts nothing', () => {
  const hosts = new SessionHosts(silentLog, undefined, () => undefined);
  let ended = 0;
  hosts.place(
    owner,
    { account: ann as unknown as AccountRecord } as MovedSession,
    undefined,
    [],
    () => void ended++,
  );
  assert.deepEqual({ ended, processes: hosts.size }, { ended: 1, processes: 0 });
});
