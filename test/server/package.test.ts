/** The package as others have it: compiled, and installed beside what it depends on. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { makeFolderDirectory } from '../support/temporary-account.ts';
import { Conversation, password, TestServer, workerUser } from './support.ts';

const root = resolve(import.meta.dirname, '../..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string;
  files: string[];
};
const compiler = join(root, 'node_modules/.bin/tsc');
const directory = mkdtempSync(join(tmpdir(), 'postrider-package-'));
const modules = join(directory, 'node_modules');
const installed = join(modules, 'postrider');

/** What `npm pack` would put into the package, by the list in package.json. */
before(() => {
  chmodSync(directory, 0o755);
  mkdirSync(installed, { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules')))
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  for (const name of ['package.json', ...manifest.files])
    if (name !== 'dist') cpSync(join(root, name), join(installed, name), { recursive: true });
  execFileSync(compiler, ['-p', join(root, 'tsconfig.build.json'), '--outDir', join(installed, 'dist')]);
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }');
});
after(() => rmSync(directory, { recursive: true, force: true }));

test('the program runs from the compiled modules', () => {
  const program = join(installed, 'bin/postrider');
  assert.match(execFileSync(program, ['--version'], { encoding: 'utf8' }), new RegExp(manifest.version));
  const maildir = join(directory, 'mail');
  makeFolderDirectory(maildir);
  const answer = execFileSync(program, ['imapd', maildir], { input: '1 SELECT INBOX\r\n2 LOGOUT\r\n' });
  assert.match(answer.toString(), /^1 OK \[READ-WRITE\]/m);
});

test('the server runs from them', { timeout: 60_000 }, async (t) => {
  const accounts = [{ name: 'ann', uid: workerUser.uid }];
  const server = await TestServer.start(accounts, {}, join(installed, 'bin/postrider'));
  t.after(() => server.stop());
  const client = await Conversation.plain(server.ports.plain);
  client.send(`1 LOGIN ann ${password}\r\n2 SELECT INBOX\r\n3 LOGOUT\r\n`);
  const text = await client.rest();
  assert.match(text, /^2 OK \[READ-WRITE\]/m);
  assert.ok(server.children('dist/supervisor').length > 0);
});

const consumer = `
import { type Account, defaultStoreSettings, flag, openAccount } from 'postrider/store';

const account: Account = openAccount(process.argv[2]!, { ...defaultStoreSettings, useLocks: false });
const folder = await account.openFolder('INBOX');
const append = await folder.startAppend();
append.flags = flag.seen;
await append.write(Buffer.from('Subject: x\\r\\n\\r\\nx\\r\\n'));
const { uids }: { uids: number[] } = await folder.commitAppends([append]);
console.log(uids.join(), folder.count, folder.fileName(folder.rowOf(1)).endsWith(':2,S'));
folder.close();
`;

test('other programs use the store, with types', () => {
  const maildir = join(directory, 'mail-of-store');
  makeFolderDirectory(maildir);
  writeFileSync(join(directory, 'consumer.ts'), consumer);
  const options = [
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'esnext',
    '--types',
    'node',
    '--outDir',
    'out',
  ];
  execFileSync(compiler, [...options, 'consumer.ts'], {
    cwd: directory,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const answer = execFileSync(process.execPath, [join(directory, 'out/consumer.js'), maildir], {
    cwd: directory,
  });
  assert.equal(answer.toString(), '1 1 true\n');
  assert.equal(readdirSync(join(maildir, 'cur')).length, 1);
});
