import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSmallFile } from './open-message.ts';

const room = 100;

const files: [what: string, name: string, octets: number, read: number][] = [
  ['its size in its name', 'a,S=40:2,S', 40, 40],
  ['no size in its name', 'b:2,', 40, 40],
  ['a wrong size in its name', 'c,S=7:2,', 40, 40],
  ['one octet less than there is room', 'd,S=99:2,', 99, 99],
  ['as much as there is room', 'e,S=100:2,', 100, -1],
  ['more than there is room', 'f,S=1000:2,', 1000, -1],
  ['nothing in it', 'g,S=0:2,', 0, -1],
];

test('a small file is read whole, or not at all', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'postrider-small-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  for (const [what, name, octets, read] of files) {
    await t.test(what, () => {
      const content = Buffer.alloc(octets, 'x');
      writeFileSync(join(directory, name), content);
      const into = Buffer.alloc(room + 20);
      assert.equal(readSmallFile(join(directory, name), into, 10, room), read);
      if (read > 0) assert.deepEqual(into.subarray(10, 10 + read), content);
    });
  }
  await t.test('what is no file is not read, and keeps nobody waiting', () => {
    mkdirSync(join(directory, 'directory'));
    execFileSync('mkfifo', [join(directory, 'fifo')]);
    symlinkSync(join(directory, 'a,S=40:2,S'), join(directory, 'link'));
    for (const name of ['directory', 'fifo', 'link'])
      assert.equal(readSmallFile(join(directory, name), Buffer.alloc(room), 0, room), -1, name);
    assert.equal(readSmallFile('/dev/null', Buffer.alloc(room), 0, room), -1);
    assert.equal(readSmallFile('/dev/zero', Buffer.alloc(room), 0, room), -1);
  });
  await t.test('where there is nothing', () => {
    assert.throws(() => readSmallFile(join(directory, 'none'), Buffer.alloc(room), 0, room), {
      code: 'ENOENT',
    });
  });
});
