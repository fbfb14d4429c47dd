import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeMaildir } from '../../test/support/maildir-fixtures.ts';

const program = resolve(import.meta.dirname, '../../bin/postrider');

function home(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'postrider-pop3d-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  makeMaildir('two-messages', join(path, 'Maildir'));
  return path;
}

/** Runs a whole session. @returns what the client and the log were told, and the exit code */
async function session(
  cwd: string,
  input: string,
  environment: Record<string, string> = {},
  args: readonly string[] = [],
): Promise<{ output: string; log: string; code: number }> {
  const child = spawn(program, ['pop3d', ...args], {
    cwd,
    env: { PATH: process.env['PATH'], AUTHENTICATED: 'ann', ...environment },
    stdio: 'pipe',
  });
  let output = '';
  let log = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('latin1');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString('latin1');
  });
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number];
  return { output, log, code };
}

test('pop3d serves the maildir that is named, or MAILDIR, or Maildir', async (t) => {
  const path = home(t);
  const commands = 'STAT\r\nDELE 1\r\nQUIT\r\n';
  const elsewhere = mkdtempSync(join(tmpdir(), 'postrider-pop3d-'));
  t.after(() => rmSync(elsewhere, { recursive: true, force: true }));
  const named = await session(elsewhere, commands, { MAILDIR: '/nonexistent' }, [join(path, 'Maildir')]);
  assert.match(named.output, /^\+OK logged in\.\r\n\+OK 2 \d+\r\n\+OK Deleted\.\r\n\+OK Bye-bye\.\r\n$/);
  assert.equal(named.code, 0);
  assert.match(named.log, /^INFO: LOGIN, user=ann, ip=\[::ffff:127\.0\.0\.1\], port=\[0\]\n/m);
  assert.match(
    named.log,
    new RegExp(
      `^INFO: LOGOUT, user=ann, .*, top=0, retr=0, rcvd=20, sent=${named.output.length}, time=\\d+\n`,
      'm',
    ),
  );
  assert.ok(!existsSync(join(path, 'Maildir/cur/1000.a:2,S')));
  const byVariable = await session(elsewhere, 'STAT\r\n', { MAILDIR: join(path, 'Maildir') });
  assert.match(byVariable.output, /^\+OK logged in\.\r\n\+OK 1 /);
  const byDefault = await session(path, 'STAT\r\nQUIT\r\n', {
    AUTHADDR: 'ann@example.org',
    TCPREMOTEIP: '192.0.2.1',
    TCPREMOTEPORT: '4000',
    POP3_TLS: '1',
    POP3_LOG_DELETIONS: '1',
  });
  assert.match(byDefault.output, /^\+OK logged in\.\r\n\+OK 1 /);
  assert.match(
    byDefault.log,
    /LOGIN, user=ann@example\.org, ip=\[::ffff:192\.0\.2\.1\], port=\[4000\], stls=1\n/,
  );
});

for (const [utf8, expected] of [
  [undefined, /^Subject: gr\xc3\xbc\xc3\x9fe\r$/m],
  ['1', /^Subject: gr\xc3\xbc\xc3\x9fe\r$/m],
  ['0', /^Subject: Cannot display Unicode content\r$/m],
] as const)
  test(`pop3d with UTF8=${utf8} sends 8-bit headers as that says`, async (t) => {
    const path = home(t);
    writeFileSync(join(path, 'Maildir/new/1'), 'Subject: gr\u00fc\u00dfe\n\nhi\n');
    const environment: Record<string, string> = utf8 === undefined ? {} : { UTF8: utf8 };
    const { output } = await session(path, 'RETR 1\r\nQUIT\r\n', environment);
    assert.match(output, expected);
  });

test('pop3d refuses what Courier refuses', async (t) => {
  const path = home(t);
  const disabled = await session(path, 'STAT\r\n', { OPTIONS: 'disablepop3=1' });
  assert.equal(disabled.output, '-ERR [SYS/PERM] POP3 access disabled for this account.\r\n');
  assert.equal(disabled.code, 1);
  assert.doesNotMatch(disabled.log, /LOGIN,/);
  const insecure = await session(path, 'STAT\r\n', { OPTIONS: 'disableinsecurepop3=1' });
  assert.equal(insecure.output, '-ERR [SYS/PERM] POP3 access disabled via insecure connection.\r\n');
  const absent = await session(path, 'STAT\r\n', {}, ['/nonexistent']);
  assert.equal(absent.output, '-ERR [SYS/PERM] The mailbox cannot be opened.\r\n');
  assert.match(absent.log, /^INFO: chdir \/nonexistent: ENOENT/);
  assert.equal(absent.code, 1);
  chmodSync(path, 0o1755);
  const locked = await session(path, 'STAT\r\n');
  assert.match(locked.output, /^-ERR \[SYS\/TEMP\] Your account is temporarily unavailable \(\+t bit/);
  assert.match(locked.log, /^INFO: LOCKED, user=ann, ip=\[::ffff:127\.0\.0\.1\], port=\[0\]\n/m);
  assert.doesNotMatch(locked.log, /LOGIN,/);
});
