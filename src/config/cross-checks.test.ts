import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadConfig } from './load.ts';
import { formatProblem } from './problem.ts';

const scratch = mkdtempSync(join(tmpdir(), 'cross-'));
after(() => rmSync(scratch, { recursive: true }));

function check(files: Record<string, string>) {
  const directory = mkdtempSync(join(scratch, 'd'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  const { errors, warnings } = loadConfig(directory);
  const lines = (problems: typeof errors) =>
    problems.map((problem) => formatProblem(problem).replace(`${directory}/`, ''));
  return { errors: lines(errors), warnings: lines(warnings) };
}

const clean = { errors: [], warnings: [] };

test('different ports, or different addresses, are no conflict', () => {
  assert.deepEqual(check({ imapd: 'PORT=143,127.0.0.1.144', pop3d: 'PORT=110,::1.144' }), clean);
});

test('a port of two services is an error', () =>
  assert.deepEqual(check({ imapd: '\nPORT=143', 'imapd-ssl': '\n\nSSLPORT=993,143' }).errors, [
    'imapd-ssl:3: SSLPORT: port 143 is also a port of the imap service',
  ]));

test('a port listed twice is an error', () =>
  assert.deepEqual(check({ imapd: 'ADDRESS=127.0.0.1\nPORT=143,127.0.0.1.143' }).errors, [
    'imapd:2: PORT: port 143 of 127.0.0.1 is listed twice',
  ]));

test('services that are not started take no port', () =>
  assert.deepEqual(check({ imapd: 'PORT=143', pop3d: 'PORT=143\nPOP3DSTART=NO' }), clean));

for (const [what, ssl] of [
  ['IMAPDSTARTTLS=NO', 'IMAPDSTARTTLS=NO'],
  ['no COURIERTLS', 'COURIERTLS='],
] as const)
  test(`TLS required with ${what} is a warning`, () =>
    assert.deepEqual(check({ imapd: '', 'imapd-ssl': `IMAP_TLS_REQUIRED=1\n${ssl}` }).warnings, [
      'imapd-ssl:1: IMAP_TLS_REQUIRED: TLS is required and not offered: nobody can log in to imap',
    ]));

test('TLS required with STARTTLS is right', () =>
  assert.deepEqual(check({ imapd: '', 'imapd-ssl': 'IMAP_TLS_REQUIRED=1' }), clean));

const external: [string, string, RegExp | undefined][] = [
  ['without asking for certificates', 'TLS_VERIFYPEER=NONE\nTLS_TRUSTCERTS=/my/ca.pem', /has no effect/],
  [
    'with the public authorities',
    'TLS_TRUSTCERTS=/etc/ssl/certs/ca-certificates.crt',
    /every public authority/,
  ],
  ['with no authorities', '', /every public authority/],
  ['with an authority of its own', 'TLS_TRUSTCERTS=/etc/courier/my-ca.pem', undefined],
];
for (const [what, text, expected] of external)
  test(`login by certificate ${what}: ${expected?.source ?? 'right'}`, () => {
    const { errors, warnings } = check({ imapd: '', 'imapd-ssl': `TLS_EXTERNAL=emailaddress\n${text}` });
    assert.deepEqual(errors, []);
    if (expected === undefined) assert.deepEqual(warnings, []);
    else assert.match(warnings[0]!, expected);
  });
