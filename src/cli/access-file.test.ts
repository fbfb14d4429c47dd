import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadConfig } from '../config/load.ts';
import { accessFileOf, checkAccessFiles, readAccessFile } from './access-file.ts';

const scratch = mkdtempSync(join(tmpdir(), 'access-'));
after(() => rmSync(scratch, { recursive: true }));

test('an access file that is not there says nothing', () =>
  assert.deepEqual(readAccessFile(join(scratch, 'none')), { rules: [], errors: [] }));

test('an access file', () => {
  const file = join(scratch, 'imapaccess');
  writeFileSync(file, '10\tdeny\nx\tdeny\n');
  const { rules, errors } = readAccessFile(file);
  assert.deepEqual([rules.length, errors], [1, [{ file, line: 2, message: '"x" is no address or network' }]]);
});

test('a directory: its files in order, without what editors and packages leave', () => {
  const directory = join(scratch, 'd');
  mkdirSync(join(directory, 'sub'), { recursive: true });
  writeFileSync(join(directory, 'a'), '10\tdeny');
  writeFileSync(join(directory, 'b'), '# twice\n10\tallow\n11\tallow\n');
  for (const name of ['c~', 'a.dpkg-old', 'sub/x']) writeFileSync(join(directory, name), '12\tdeny\n');
  const { rules, errors } = readAccessFile(directory);
  assert.deepEqual(errors, [{ file: join(directory, 'b'), line: 2, message: '10 has a record already' }]);
  assert.equal(rules.length, 2);
});

test('the access file of TCPDOPTS comes before the other, and its compiled form means the text', () => {
  const directory = mkdtempSync(join(scratch, 'c'));
  writeFileSync(join(directory, 'imapd'), 'IMAPACCESSFILE=/a');
  writeFileSync(join(directory, 'pop3d'), 'TCPDOPTS="-access=/b.dat -nodnslookup"');
  const { imap, pop3 } = loadConfig(directory);
  assert.equal(accessFileOf(imap!.settings), '/a');
  assert.equal(accessFileOf(pop3!.settings), '/b');
});

test('variables of access records: those that nothing reads are told, wrong values are errors', () => {
  const directory = mkdtempSync(join(scratch, 'c'));
  const file = join(directory, 'imapaccess');
  writeFileSync(
    file,
    '10\tallow,MAXCPERIP=3,DEFDOMAIN=@a,LIES=1\n11\tallow,IMAP_TLS_REQUIRED=maybe,LIES=2\n',
  );
  writeFileSync(join(directory, 'imapd'), '');
  writeFileSync(join(directory, 'imapd-ssl'), '');
  const { errors, warnings } = checkAccessFiles(loadConfig(directory));
  assert.deepEqual(
    errors.map(({ file, setting }) => [file, setting]),
    [[file, 'IMAP_TLS_REQUIRED']],
  );
  assert.deepEqual(warnings, [{ file, line: 0, setting: 'LIES', message: 'nothing reads this variable' }]);
});

test('variables that -drop or a DNS list names are read', () => {
  const directory = mkdtempSync(join(scratch, 'c'));
  writeFileSync(join(directory, 'imapaccess'), '10\tallow,FINE\n');
  writeFileSync(join(directory, 'imapd'), 'TCPDOPTS="-allow=ok.example,FINE -drop"');
  assert.deepEqual(checkAccessFiles(loadConfig(directory)), { errors: [], warnings: [] });
});
