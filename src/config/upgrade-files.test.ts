import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadConfig, serviceNames } from './load.ts';
import { settingsFiles, templateText } from './template.ts';
import { upgradeFiles } from './upgrade-files.ts';

const debian = join(import.meta.dirname, 'fixtures/debian');
const scratch = mkdtempSync(join(tmpdir(), 'upgrade-'));
after(() => rmSync(scratch, { recursive: true }));

function directory(files: Record<string, string>): string {
  const path = mkdtempSync(join(scratch, 'd'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}

function upgrade(path: string, files: string[] = [], more: { dryRun?: boolean; force?: boolean } = {}) {
  const lines: string[] = [];
  const options = { directory: path, files, dryRun: false, force: false, ...more };
  const code = upgradeFiles(options, (line) => lines.push(line));
  return { code, lines };
}

const debianFiles = Object.fromEntries(
  ['imapd', 'imapd-ssl', 'pop3d', 'pop3d-ssl', 'authdaemonrc'].map((name) => [
    name,
    readFileSync(join(debian, name), 'utf8'),
  ]),
);

test("an upgrade of Courier's blocks keeps every value of every service", () => {
  const path = directory(debianFiles);
  const before = loadConfig(path);
  assert.equal(upgrade(path).code, 0);
  const after = loadConfig(path);
  assert.deepEqual(after.errors, []);
  assert.deepEqual(after.warnings, []);
  for (const name of [...serviceNames, 'auth'] as const)
    for (const [variable, { value }] of before[name]!.variables)
      assert.equal(after[name]!.variables.get(variable)?.value, value, `${name} ${variable}`);
});

test('the old file stays as .bak, owner and mode stay, and a second run does nothing', () => {
  const path = directory({ imapd: '##VERSION: 1\n##NAME: PORT:1\nPORT=1143\n' });
  chmodSync(join(path, 'imapd'), 0o640);
  upgrade(path, ['imapd']);
  assert.equal(readFileSync(join(path, 'imapd.bak'), 'utf8'), '##VERSION: 1\n##NAME: PORT:1\nPORT=1143\n');
  assert.equal(statSync(join(path, 'imapd')).mode & 0o777, 0o640);
  assert.deepEqual(loadConfig(path).imap!.settings.ports, [{ address: undefined, port: 1143 }]);
  assert.deepEqual(upgrade(path, ['imapd']), { code: 0, lines: [] });
  assert.deepEqual(readdirSync(path).sort(), ['imapd', 'imapd.bak', 'imapd.dist']);
});

test('only files that exist are upgraded, and our own is added', () => {
  const path = directory({ pop3d: debianFiles['pop3d']! });
  const { lines } = upgrade(path);
  assert.equal(lines.at(-1), 'postrider: installed');
  assert.deepEqual(
    settingsFiles.filter((name) => existsSync(join(path, name))),
    ['pop3d', 'postrider'],
  );
});

test('a named file that is not there is installed', () => {
  const path = directory({});
  assert.deepEqual(upgrade(path, ['imapd']), { code: 0, lines: ['imapd: installed'] });
  assert.equal(readFileSync(join(path, 'imapd'), 'utf8'), templateText('imapd', path));
});

test('a dry run reports and writes nothing', () => {
  const path = directory({ imapd: '##VERSION: 1\n##NAME: PORT:1\nPORT=1143\n' });
  assert.ok(upgrade(path, [], { dryRun: true }).lines.includes('  PORT: unchanged'));
  assert.deepEqual(readdirSync(path), ['imapd']);
});

test('a shipped file is named by its path; one without a version is exit 9, the others are upgraded', () => {
  const path = directory({
    'a.dist': 'A=1\n',
    'b.dist': '##VERSION: 2\n##NAME: B:0\n\nB=1\n',
    b: '##VERSION: 1\n',
    a: '',
  });
  const { code, lines } = upgrade(path, [join(path, 'a.dist'), join(path, 'b.dist'), 'nonsense']);
  assert.equal(code, 9);
  assert.deepEqual(lines, [
    `${path}/a.dist: configuration header not found.`,
    'b:',
    '  B: new',
    'nonsense: there is no such file; there are imapd, imapd-ssl, pop3d, pop3d-ssl, authdaemonrc, postrider',
  ]);
  assert.match(readFileSync(join(path, 'b'), 'utf8'), /B=1/);
});

test('a file from before versions is replaced and kept as .bak', () => {
  const path = directory({ imapd: 'PORT=1143\n' });
  assert.deepEqual(upgrade(path, ['imapd']).lines, [
    'imapd:',
    '  has no version: installed anew, see imapd.bak',
  ]);
  assert.equal(readFileSync(join(path, 'imapd.bak'), 'utf8'), 'PORT=1143\n');
});

test('a link stays a link to the upgraded file', () => {
  const path = directory({ real: '##VERSION: 1\n##NAME: PORT:1\nPORT=1143\n' });
  symlinkSync('real', join(path, 'imapd'));
  upgrade(path, ['imapd']);
  assert.match(readFileSync(join(path, 'real'), 'utf8'), /^PORT=1143$/m);
});

test('the shipped files load without errors or warnings', () => {
  const path = directory({});
  for (const name of settingsFiles) writeFileSync(join(path, name), templateText(name, path));
  const config = loadConfig(path);
  assert.deepEqual([...config.errors, ...config.warnings], []);
  assert.ok(serviceNames.every((name) => config[name] !== undefined));
  assert.match(config.imap!.settings.capability, / IDLE$/);
  assert.equal(config.imap!.settings.accessFile, join(path, 'imapaccess'));
});

for (const name of settingsFiles)
  test(`etc/${name}.dist is up to date (node scripts/settings-reference.ts writes it)`, () => {
    const file = join(import.meta.dirname, `../../etc/${name}.dist`);
    assert.equal(readFileSync(file, 'utf8'), templateText(name, '/etc/courier'));
  });
