import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { makeMaildir } from './support/maildir-fixtures.ts';

const program = resolve(import.meta.dirname, '../bin/postrider');

for (const [setting, runs] of [
  ['YES', true],
  ['NO', false],
] as const)
  test(`with LOGINEXEC=${setting} a session ${runs ? 'runs' : 'leaves'} the loginexec of its maildir`, (t) => {
    const home = mkdtempSync(join(tmpdir(), 'postrider-loginexec-'));
    t.after(() => rmSync(home, { recursive: true, force: true }));
    const maildir = join(home, 'Maildir');
    makeMaildir('empty', maildir);
    const hook = join(maildir, 'loginexec');
    writeFileSync(
      hook,
      '#!/bin/sh\necho "$AUTHENTICATED $OPTIONS $LOGINEXEC $HOME" >out\necho not for the client\n',
    );
    chmodSync(hook, 0o700);
    const { stdout } = spawnSync(program, ['imapd', 'Maildir'], {
      cwd: home,
      env: { ...process.env, AUTHENTICATED: 'joe', OPTIONS: 'group=x', LOGINEXEC: setting },
      input: '1 LOGOUT\r\n',
      encoding: 'utf8',
    });
    assert.match(stdout, /^\* PREAUTH .*\r\n\* BYE .*\r\n1 OK LOGOUT completed\r\n$/);
    assert.equal(existsSync(hook), !runs);
    assert.equal(
      existsSync(join(maildir, 'out')) && readFileSync(join(maildir, 'out'), 'utf8'),
      runs && 'joe group=x YES \n',
    );
  });
