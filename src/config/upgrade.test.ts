import assert from 'node:assert/strict';
import { test } from 'node:test';
import { upgradeSettings } from './upgrade.ts';

const dist = `##VERSION: 2
#
# The shipped file.

##NAME: PORT:1
#
# New words about PORT.
#

PORT=143

##NAME: OPTIONS:1
# About OPTIONS.

OPTIONS="-a"

##NAME: EXTRA:0
# About EXTRA.

EXTRA=1
`;

function merged(live: string) {
  const upgrade = upgradeSettings(live, dist, 'imapd.dist');
  assert.equal(upgrade.kind, 'merged');
  return upgrade as Extract<typeof upgrade, { kind: 'merged' }>;
}

const report = (live: string) => merged(live).steps.map(({ name, outcome }) => `${name}: ${outcome}`);

test('the same version: nothing to do, unless it is forced', () => {
  const live = '##VERSION: 2\n##NAME: PORT:1\nPORT=1\n';
  assert.deepEqual(upgradeSettings(live, dist, 'd'), { kind: 'current' });
  assert.equal(upgradeSettings(live, dist, 'd', true).kind, 'merged');
});

test('a live file without a version is foreign', () =>
  assert.deepEqual(upgradeSettings('PORT=1\n', dist, 'd'), { kind: 'foreign' }));

test('the version must be within the first twenty lines', () => {
  assert.equal(upgradeSettings(`${'#\n'.repeat(19)}##VERSION: 1\n`, dist, 'd').kind, 'merged');
  assert.deepEqual(upgradeSettings(`${'#\n'.repeat(20)}##VERSION: 1\n`, dist, 'd'), { kind: 'foreign' });
});

test('a shipped file without a version is an error', () =>
  assert.throws(
    () => upgradeSettings('##VERSION: 1\n', 'PORT=1\n', 'd'),
    /configuration header not found\./,
  ));

test('same revision: the old value under the new comments, the default as a comment', () => {
  const { text } = merged('##VERSION: 1\n##NAME: PORT:1\n# Old words.\n\nPORT=1143\n# mine\nMINE=2\n\n');
  assert.ok(
    text.includes(
      '##NAME: PORT:1\n#\n# New words about PORT.\n#\n# DEFAULT SETTING from imapd.dist:\n#\n# PORT=143\n#\n\n' +
        'PORT=1143\n# mine\nMINE=2\n\n##NAME: OPTIONS:1\n',
    ),
    text,
  );
});

test('same revision, same value: no remark, also if it is quoted otherwise', () => {
  for (const line of ['PORT=143', 'PORT="143"', "  PORT='143'  "])
    assert.ok(!merged(`##VERSION: 1\n##NAME: PORT:1\n\n${line}\n`).text.includes('DEFAULT SETTING'), line);
});

test('another revision: the new value, the old one as a comment', () => {
  const live = '##VERSION: 1\n##NAME: OPTIONS:0\n\nOPTIONS="-noidentlookup"\n';
  const { text } = merged(live);
  assert.match(text, /# Previous setting .*:\n#\n# OPTIONS="-noidentlookup"\n#\n\nOPTIONS="-a"\n/);
  assert.deepEqual(report(live), ['PORT: new', 'OPTIONS: UPDATED', 'EXTRA: new']);
});

test('a variable that no block carries over is reported', () =>
  assert.deepEqual(report('##VERSION: 1\n##NAME: GONE:0\nGONE=1\n##NAME: PORT:1\nPORT=1\n'), [
    'PORT: unchanged',
    'OPTIONS: new',
    'EXTRA: new',
    'GONE: dropped',
  ]));

test('lines in front of all blocks become the last block, and stay it', () => {
  const { text, steps } = merged('##VERSION: 1\n# Old words.\nHOOK=x\nPORT=1143\n##NAME: PORT:1\nPORT=1\n');
  assert.match(text, /\n##NAME: LOCAL:0\n(#.*\n)+\nHOOK=x\nPORT=1143\n$/);
  assert.ok(!steps.some(({ outcome }) => outcome === 'dropped'));
  const again = upgradeSettings(text, dist, 'imapd.dist', true);
  assert.ok(again.kind === 'merged');
  assert.equal(again.text, text);
});

test('upgrading the result again changes nothing', () => {
  const { text } = merged('##VERSION: 1\n##NAME: PORT:1\nPORT=1143\n\n##NAME: OPTIONS:0\nOPTIONS=x\n');
  const again = upgradeSettings(text, dist, 'imapd.dist', true);
  assert.ok(again.kind === 'merged');
  assert.equal(again.text, text.replace(/# Previous setting .*\n#\n(# .*\n)+#\n/, ''));
});
