import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryAccount, testStoreSettings } from '../../test/support/temporary-account.ts';
import { interceptSteps } from './steps.ts';
import { Subscriptions } from './subscriptions.ts';

const file = 'courierimapsubscribed';

test('subscriptions are lines in the order they were made', async (t) => {
  const a = temporaryAccount(t);
  assert.deepEqual(a.account.subscriptions(), []);
  assert.equal(await a.account.subscribe('INBOX.b'), true);
  assert.equal(await a.account.subscribe('INBOX.Größe'), true);
  assert.equal(await a.account.subscribe('INBOX.b'), false);
  assert.equal(Buffer.from(a.get(file), 'latin1').toString(), 'INBOX.b\nINBOX.Größe\n');
  assert.deepEqual(a.account.subscriptions(), ['INBOX.b', 'INBOX.Größe']);
  assert.equal(await a.account.unsubscribe('INBOX.b'), true);
  assert.equal(await a.account.unsubscribe('INBOX.b'), false);
  assert.deepEqual(a.account.subscriptions(), ['INBOX.Größe']);
  assert.deepEqual(readdirSync(join(a.maildir, 'tmp')), []);
});

test('lines of other programs stay as they are', async (t) => {
  const a = temporaryAccount(t);
  a.put(file, 'inbox.A\n#shared.x\n\xe9 odd\n\nlast');
  assert.equal(await a.account.subscribe('INBOX.A'), false, 'INBOX in another case is the same');
  assert.equal(await a.account.subscribe('INBOX.a'), true, 'other letters in another case are not');
  assert.ok(a.get(file).startsWith('inbox.A\n#shared.x\n'));
  assert.ok(a.get(file).endsWith('last\nINBOX.a\n'));
  assert.equal(await a.account.unsubscribe('INBOX.A'), true);
  assert.ok(a.get(file).startsWith('#shared.x\n'));
});

test('unsubscribing what is not there makes no file', async (t) => {
  const a = temporaryAccount(t);
  assert.equal(await a.account.unsubscribe('INBOX.b'), false);
  assert.equal(existsSync(join(a.maildir, file)), false);
});

test('what a program without locks adds while we write is not lost', async (t) => {
  const a = temporaryAccount(t);
  await a.account.subscribe('INBOX.a');
  t.after(() => interceptSteps(undefined));
  let courier: 'waits' | 'writes' | 'done' = 'waits';
  interceptSteps((call) => {
    // The moment between reading the list and putting the new one in place.
    if (call !== 'write' || courier !== 'waits') return;
    courier = 'writes';
    a.put(file, 'INBOX.a\nINBOX.courier\n');
    courier = 'done';
  });
  const subscriptions = new Subscriptions(a.maildir, { ...testStoreSettings, useLocks: false });
  await subscriptions.subscribe('INBOX.ours');
  assert.equal(courier, 'done');
  assert.equal(a.get(file), 'INBOX.a\nINBOX.courier\nINBOX.ours\n');
});

test('stopping after any step leaves the old list or the new one', async (t) => {
  const a = temporaryAccount(t);
  t.after(() => interceptSteps(undefined));
  a.put(file, 'INBOX.a\n');
  for (let stopAt = 1; ; stopAt++) {
    let step = 0;
    interceptSteps(() => {
      if (++step >= stopAt) throw Object.assign(new Error('stopped'), { code: 'EIO' });
    });
    const done = await a.account.subscribe(`INBOX.n${stopAt}`).catch(() => undefined);
    interceptSteps(undefined);
    const text = a.get(file);
    assert.match(text, /^INBOX\.a\n(INBOX\.n\d+\n)*$/);
    if (done !== undefined && step < stopAt) break;
  }
});

const subscriber = `
import { openAccount } from ${JSON.stringify(new URL('./account.ts', import.meta.url).href)};
const [maildir, who, count, settings] = process.argv.slice(1);
const account = openAccount(maildir, { ...JSON.parse(settings), log: { error() {}, warn() {}, info() {}, debug() {} } });
for (let n = 0; n < Number(count); n++) await account.subscribe(\`INBOX.\${who}\${n}\`);
`;

test('two processes that subscribe at once lose nothing', async (t) => {
  const a = temporaryAccount(t);
  const count = 40;
  const start = (who: string): ChildProcess =>
    spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        subscriber,
        a.maildir,
        who,
        String(count),
        JSON.stringify(testStoreSettings),
      ],
      { stdio: 'inherit' },
    );
  const children = [start('x'), start('y')];
  const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0] as number));
  assert.deepEqual(codes, [0, 0]);
  assert.equal(new Set(a.account.subscriptions()).size, 2 * count);
});
