import assert from 'node:assert/strict';
import type { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { externalIdentity } from './client-certificate.ts';

const identityOf = (subjectAltName: string | undefined, field = 'subjectaltname') =>
  externalIdentity({ subject: 'CN=someone', subjectAltName } as X509Certificate, field);

const rows: [names: string | undefined, identity: string | undefined][] = [
  ['email:ann@example.com', 'ann@example.com'],
  ['DNS:example.com, email:ann@example.com, IP Address:192.0.2.1', 'ann@example.com'],
  ['email:ann@example.com, email:eve@example.com', undefined],
  ['DNS:"x, email:ann@example.com"', undefined],
  ['email:"ann@example.com, email:eve@example.com"', undefined],
  ['email:', undefined],
  ['DNS:ann@example.com', undefined],
  [undefined, undefined],
];
for (const [names, identity] of rows)
  test(`the alternative names ${names} give the login ${identity}`, () =>
    assert.equal(identityOf(names), identity));

test('alternative names do not count where a subject field is asked for', () =>
  assert.equal(identityOf('email:ann@example.com', 'emailaddress'), undefined));
