import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Log, silentLog } from '../base/log.ts';
import { runLoginExec } from './login-exec.ts';

interface Hook {
  maildir: string;
  path: string;
  lines: string[];
  run(timeoutMs?: number): Promise<void>;
}

async function withHook(body: string, mode: number, use: (hook: Hook) => Promise<void>): Promise<void> {
  const maildir = mkdtempSync(join(tmpdir(), 'loginexec-'));
  const path = join(maildir, 'loginexec');
  const lines: string[] = [];
  const log: Log = {
    ...silentLog,
    info: (line) => void lines.push(line),
    warn: (line) => void lines.push(line),
  };
  try {
    writeFileSync(path, `#!/bin/sh\n${body}\n`);
    chmodSync(path, mode);
    const run = (timeoutMs = 5000) =>
      runLoginExec(maildir, { AUTHENTICATED: 'joe', PATH: process.env['PATH'] ?? '' }, timeoutMs, log);
    await use({ maildir, path, lines, run });
  } finally {
    rmSync(maildir, { recursive: true });
  }
}

test('it runs once in the maildir, with the environment and no input, and is removed', () =>
  withHook('pwd >out; echo "$AUTHENTICATED" >>out; cat >>out; echo said', 0o700, async (hook) => {
    await Promise.all([hook.run(), hook.run()]);
    assert.equal(readFileSync(join(hook.maildir, 'out'), 'utf8'), `${hook.maildir}\njoe\n`);
    assert.deepEqual(hook.lines, ['loginexec: said']);
    assert.equal(existsSync(hook.path), false);
    await hook.run();
  }));

for (const [what, body, mode, line] of [
  ['that fails', 'exit 3', 0o700, /exit status 3/],
  ['that never ends', 'exec sleep 60', 0o700, /ended by SIGTERM/],
  ['that does not end when asked', "trap '' TERM; while :; do sleep 0.1; done", 0o700, /ended by SIGKILL/],
  ['that others may write', 'echo no >out', 0o722, /not run: others/],
] as const)
  test(`one ${what} stays, and the login goes on`, () =>
    withHook(body, mode, async (hook) => {
      await hook.run(200);
      assert.match(hook.lines.join('\n'), line);
      assert.equal(existsSync(hook.path), true);
      assert.equal(existsSync(join(hook.maildir, 'out')), false);
    }));

test('one that its owner may not execute is not run', () =>
  withHook('echo no >out', 0o655, async (hook) => {
    await hook.run();
    assert.deepEqual(hook.lines, []);
    assert.equal(existsSync(join(hook.maildir, 'out')), false);
  }));

test('one that removes itself is no error, nor is one that fills the log', () =>
  withHook('rm loginexec; head -c 100000 /dev/zero | tr "\\\\0" x', 0o700, async (hook) => {
    await hook.run();
    assert.deepEqual(
      hook.lines.map(({ length }) => length),
      ['loginexec: '.length + 8192],
    );
  }));

test('a process it leaves behind does not hold the login', () =>
  withHook('sleep 30 & exit 0', 0o700, async (hook) => {
    await hook.run();
    assert.equal(existsSync(hook.path), false);
  }));
