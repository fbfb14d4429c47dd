import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closest } from './closest.ts';

const names = ['MAXDAEMONS', 'MAXPERIP', 'PORT', 'IMAP_ACL', 'daemons'];

const cases: [mistyped: string, meant: string | undefined][] = [
  ['MAXDAEMON', 'MAXDAEMONS'],
  ['MAXDAEMONSX', 'MAXDAEMONS'],
  ['MAXDEAMONS', 'MAXDAEMONS'],
  ['MAXPREIP', 'MAXPERIP'],
  ['imap_acl', 'IMAP_ACL'],
  ['deamons', 'daemons'],
  ['PROT', 'PORT'],
  ['PRT', 'PORT'],
  ['POTTS', undefined],
  ['X', undefined],
  ['SOMETHING_ELSE', undefined],
];
for (const [mistyped, meant] of cases)
  test(`${mistyped} is most like ${meant ?? 'nothing'}`, () => assert.equal(closest(mistyped, names), meant));
