import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environmentVariables, resolveSettings } from './resolve.ts';

const fromEnvironment = (environment: Record<string, string>) =>
  resolveSettings('imap', environmentVariables(environment), '/c');

test('keywords and ACLs are off for a program started by hand, unless its environment has them', () => {
  const off = fromEnvironment({}).settings;
  assert.deepEqual([off.keywords, off.acl, off.useLocks, off.sanityCheck], [0, false, true, true]);
  const on = fromEnvironment({ IMAP_KEYWORDS: '2', IMAP_ACL: '1' }).settings;
  assert.deepEqual([on.keywords, on.acl], [2, true]);
});

test('keywords and ACLs are on where a file does not mention them', () => {
  const { settings } = resolveSettings('imap', new Map(), '/c');
  assert.deepEqual([settings.keywords, settings.acl], [1, true]);
});

test('wrong values of the environment are told with their name, and the default counts', () => {
  const { settings, errors } = fromEnvironment({ IMAP_IDLE_TIMEOUT: 'x' });
  assert.deepEqual(errors, [
    {
      file: 'environment',
      line: 0,
      setting: 'IMAP_IDLE_TIMEOUT',
      message: '"x" is not a whole number',
      allowed: 'a whole number from 1',
    },
  ]);
  assert.equal(settings.idlePollSeconds, 60);
});

test('defaults lie in the configuration directory', () => {
  const { settings } = resolveSettings('pop3s', new Map(), '/c');
  assert.equal(settings.tlsCertFile, '/c/pop3d.pem');
});
