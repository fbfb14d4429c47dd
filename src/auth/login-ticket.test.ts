import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { startTestDaemon } from '../../test/support/auth-daemon.ts';
import type { Account, AccountRecord } from './account-record.ts';
import { createAuthClient } from './client.ts';
import { createTicketChecker, createTicketIssuer, type TicketKind, ticketKeyOctets } from './login-ticket.ts';
import { readReply, toAccountRecord, writeAccount } from './wire.ts';

const key = randomBytes(ticketKeyOctets);
const noUid = async () => undefined;
const fred: Account = {
  address: 'fred',
  uid: 1000,
  gid: 1001,
  home: '/home/fr\xe9d',
  fullName: 'Fred, room 7',
  maildir: 'Maildir',
  quota: '1000S',
  options: 'disableimap=0,group=a,group=b',
  cryptPassword: 'hash',
  clearPassword: 'clear',
};
const owner = { uid: 1000, gid: 1001, username: undefined };

/** What a client reads from a reply with a ticket. */
async function signed(
  account: Account = fred,
  {
    signer = key,
    kind = 'auth' as TicketKind,
    now = (): number => 0,
    uidOf = noUid as typeof noUid | (() => Promise<number>),
  } = {},
): Promise<AccountRecord> {
  const issuer = createTicketIssuer(signer, uidOf, now);
  const reply = await issuer.addTo(writeAccount(account, { crypt: true, clear: true }), account, kind);
  const read = readReply(reply);
  assert.ok(typeof read !== 'string');
  return toAccountRecord(read);
}
const checker = (at = 0) => createTicketChecker(key, () => at);

test('a ticket is good for the account and owner it was made for', async () =>
  assert.equal(checker().refusal(await signed(), owner, false), undefined));

test('a ticket is good without the passwords, which are not part of it', async () => {
  const { cryptPassword, clearPassword, ...without } = await signed();
  assert.ok(cryptPassword && clearPassword);
  assert.equal(checker().refusal(without, owner, false), undefined);
});

test('a system account, whose reply has no uid, gets the uid of its name', async () => {
  const account = { ...fred, username: 'fred', uid: undefined };
  const record = await signed(account, { uidOf: async () => 4711 });
  assert.equal(record.uid, undefined);
  const system = { uid: 4711, gid: 1001, username: 'fred' };
  assert.equal(checker().refusal(record, { ...system, uid: 4712 }, false), 'a forged login ticket');
  assert.equal(checker().refusal(record, system, false), undefined);
  assert.equal((await signed(account)).ticket, undefined);
});

const changes: [string, Partial<AccountRecord>][] = [
  ['address', { address: 'eve' }],
  ['gid', { gid: 0 }],
  ['user name', { username: 'eve' }],
  ['home', { home: '/home/eve' }],
  ['maildir', { maildir: '/home/eve/Maildir' }],
  ['quota', { quota: '' }],
  ['full name', { fullName: 'Eve' }],
  ['options', { options: new Map([['group', ['administrators']]]) }],
];
for (const [what, change] of changes) {
  test(`a ticket is no good for another ${what}`, async () => {
    const account = { ...(await signed()), ...change };
    assert.equal(checker().refusal(account, owner, false), 'a forged login ticket');
  });
}
for (const [what, change] of [
  ['uid', { uid: 1002 }],
  ['gid', { gid: 1002 }],
  ['user name', { username: 'root' }],
] as const) {
  test(`a ticket is no good for an owner of another ${what}`, async () =>
    assert.match(checker().refusal(await signed(), { ...owner, ...change }, false)!, /forged|another owner/));
}

test('a ticket is good once', async () => {
  const account = await signed();
  const check = checker();
  assert.equal(check.refusal(account, owner, false), undefined);
  assert.equal(check.refusal(account, owner, false), 'a login ticket for the second time');
  assert.equal(check.refusal(await signed(), owner, false), undefined);
});

test('a ticket is good for a minute', async () => {
  const account = await signed();
  assert.equal(checker(59_999).refusal(account, owner, false), undefined);
  assert.equal(checker(60_000).refusal(account, owner, false), 'an expired login ticket');
});

test('a used ticket is remembered until it has expired', async () => {
  let at = 0;
  const check = createTicketChecker(key, () => at);
  const account = await signed();
  assert.equal(check.refusal(account, owner, false), undefined);
  at = 59_999;
  assert.equal(check.refusal(await signed(fred, { now: () => at }), owner, false), undefined);
  assert.equal(check.refusal(account, owner, false), 'a login ticket for the second time');
});

test('a ticket without a login counts only where certificates log in', async () => {
  const account = await signed(fred, { kind: 'lookup' });
  assert.equal(checker().refusal(account, owner, false), 'a login ticket without a login');
  const promoted = { ...account, ticket: account.ticket!.replace('lookup', 'auth') };
  assert.equal(checker().refusal(promoted, owner, false), 'a forged login ticket');
  assert.equal(checker().refusal(account, owner, true), undefined);
});

for (const ticket of [undefined, '', 'x', 'auth.0.a.b', 'x'.repeat(10_000)]) {
  test(`the ticket ${JSON.stringify(ticket)?.slice(0, 20)} is none`, async () => {
    const { ticket: _, ...account } = await signed();
    const check = checker().refusal(ticket === undefined ? account : { ...account, ticket }, owner, false);
    assert.equal(check, ticket === undefined ? 'no login ticket' : 'not a login ticket');
  });
}
test('a ticket made with another key is forged', async () => {
  const account = await signed(fred, { signer: randomBytes(ticketKeyOctets) });
  assert.equal(checker().refusal(account, owner, false), 'a forged login ticket');
});

test('the daemon signs what it answers to clients that ask, and nothing else', async (t) => {
  const { client, daemon } = await startTestDaemon(t, {
    daemon: { tickets: createTicketIssuer(key, noUid) },
  });
  const asking = createAuthClient({ socketPath: daemon.socketPath, tickets: true });
  const check = createTicketChecker(key);
  const login = await asking.login('imap', 'fred', 'secret');
  assert.ok(login.kind === 'accepted');
  assert.equal(check.refusal(login.account, owner, false), undefined);
  const lookup = await asking.lookup('imap', 'fred');
  assert.ok(lookup.kind === 'accepted');
  assert.equal(check.refusal(lookup.account, owner, false), 'a login ticket without a login');
  const plain = await client.login('imap', 'fred', 'secret');
  assert.ok(plain.kind === 'accepted');
  assert.equal(plain.account.ticket, undefined);
});

test('an account whose sessions run in the asking process gets no ticket, any other does', async (t) => {
  const { daemon } = await startTestDaemon(t, { daemon: { tickets: createTicketIssuer(key, noUid) } });
  const isSigned = async (ownUid: number) => {
    const client = createAuthClient({ socketPath: daemon.socketPath, tickets: true, ownUid });
    const login = await client.login('imap', 'fred', 'secret');
    assert.ok(login.kind === 'accepted');
    return login.account.ticket !== undefined;
  };
  assert.equal(await isSigned(owner.uid), false);
  assert.equal(await isSigned(owner.uid + 1), true);
});

test('a daemon without a key signs nothing', async (t) => {
  const { daemon } = await startTestDaemon(t);
  const asking = createAuthClient({ socketPath: daemon.socketPath, tickets: true });
  const login = await asking.login('imap', 'fred', 'secret');
  assert.equal(login.kind === 'accepted' && login.account.ticket, undefined);
});
