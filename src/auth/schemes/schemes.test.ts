import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { needProgram } from '../../../test/support/private-server.ts';
import { createPasswords, createWorkQueue } from '../passwords.ts';

const passwords = createPasswords(2);
const mkpasswd = (...args: string[]) =>
  execFileSync(needProgram(['/usr/bin/mkpasswd'], 'whois'), args, { encoding: 'latin1' }).trim();
const openssl = (...args: string[]) =>
  execFileSync(needProgram(['/usr/bin/openssl'], 'openssl'), ['passwd', ...args], {
    encoding: 'latin1',
  }).trim();

/** Stored hashes of `secret`, of the specification and made by other programs when the test runs. */
const vectors: [string, () => string][] = [
  ['{MD5}', () => '{MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ=='],
  ['{MD5RAW}', () => '{MD5RAW}5ebe2294ecd0e0f08eab7690d2a6ee69'],
  ['{SHA}', () => '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ='],
  ['{SHA256}', () => '{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols='],
  ['{sha256} in lower case', () => '{sha256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols='],
  ['{SHA512}', () => `{SHA512}${digest('sha512')}`],
  ['{SSHA} with 4 octets of salt', () => '{SSHA}+RFhsab2AfzZ0VfEdyknXtUT06RhYmNk'],
  ['slappasswd', () => slappasswd()],
  ['{SSHA} with 8 octets of salt', () => longSalt()],
  ['MD5 crypt', () => '$1$saltsalt$9xy1btjgzLYfb7hivXtC//'],
  ['DES', () => 'abNANd1rDfiNc'],
  ['{CRYPT} and DES', () => '{CRYPT}abNANd1rDfiNc'],
  ['{crypt} and SHA-512 crypt', () => `{crypt}${openssl('-6', 'secret')}`],
  ['SHA-256 crypt', () => '$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA'],
  ['openssl passwd -1', () => openssl('-1', 'secret')],
  ['openssl passwd -5', () => openssl('-5', 'secret')],
  ['openssl passwd -6', () => openssl('-6', 'secret')],
  ['mkpasswd des', () => mkpasswd('-m', 'descrypt', 'secret')],
  ['mkpasswd bsdi', () => mkpasswd('-m', 'bsdicrypt', 'secret')],
  ['mkpasswd md5', () => mkpasswd('-m', 'md5crypt', 'secret')],
  ['mkpasswd sunmd5', () => mkpasswd('-m', 'sunmd5', 'secret')],
  ['mkpasswd sha256 with rounds', () => mkpasswd('-m', 'sha256crypt', '-R', '2000', 'secret')],
  ['mkpasswd sha512 with rounds', () => mkpasswd('-m', 'sha512crypt', '-R', '2000', 'secret')],
  ['mkpasswd bcrypt', () => mkpasswd('-m', 'bcrypt', '-R', '5', 'secret')],
  ['bcrypt $2y$', () => mkpasswd('-m', 'bcrypt', '-R', '5', 'secret').replace('$2b$', '$2y$')],
  ['mkpasswd bcrypt-a', () => mkpasswd('-m', 'bcrypt-a', '-R', '5', 'secret')],
  ['mkpasswd scrypt', () => mkpasswd('-m', 'scrypt', 'secret')],
  ['mkpasswd yescrypt', () => mkpasswd('-m', 'yescrypt', 'secret')],
  ['mkpasswd gost-yescrypt', () => mkpasswd('-m', 'gost-yescrypt', 'secret')],
  [
    'Argon2id of the reference program',
    () => '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
  ],
];
function digest(algorithm: string): string {
  return execFileSync('openssl', ['dgst', `-${algorithm}`, '-binary'], { input: 'secret' }).toString(
    'base64',
  );
}
function slappasswd(): string {
  const program = needProgram(['/usr/sbin/slappasswd'], 'slapd');
  return execFileSync(program, ['-s', 'secret', '-h', '{SSHA}'], { encoding: 'latin1' }).trim();
}
/** As other directories make it. */
function longSalt(): string {
  const salted = execFileSync('openssl', ['dgst', '-sha1', '-binary'], { input: 'secret12345678' });
  return `{SSHA}${Buffer.concat([salted, Buffer.from('12345678')]).toString('base64')}`;
}

for (const [name, make] of vectors) {
  test(`${name} is verified`, async () => {
    const stored = make();
    const right = name.startsWith('Argon2id') ? 'password' : 'secret';
    assert.equal(await passwords.verify(stored, right), true, stored);
    assert.equal(await passwords.verify(stored, `${right}x`), false);
    assert.equal(await passwords.verify(stored, right.toUpperCase()), false);
    assert.equal(await passwords.verify(stored, ''), false);
  });
}

const never = [
  '',
  '*',
  '!',
  '!!',
  '*0',
  '*1',
  'x',
  'secret',
  '{PLAIN}secret',
  '{MD5}5ebe2294ecd0e0f08eab7690d2a6ee69',
  '{MD5RAW}5EBE2294ECD0E0F08EAB7690D2A6EE69',
  '{SSHA}',
  '{SSHA}5en6G6MezRroT3XKqkdPOmY/BfQ=',
  '{SSHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=',
  '{SMD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==',
  '{CRYPT}',
  '{CRYPT}{MD5}',
  '$1$',
  '$6$rounds=999999999999$a$b',
  '$argon2id$v=19$m=99999999,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
  '$argon2id$v=19$m=8,t=0,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
  '{SCRAM-SHA-256}1,a,b,c',
  '$apr1$saltsalt$xxxxxxxxxxxxxxxxxxxxxx',
];
for (const stored of never) {
  test(`nothing matches the stored value "${stored}"`, async () => {
    for (const password of ['secret', stored]) assert.equal(await passwords.verify(stored, password), false);
  });
}

test('a password with NUL is not cut at it', async () => {
  assert.equal(await passwords.verify('$1$saltsalt$9xy1btjgzLYfb7hivXtC//', 'secret\0x'), false);
});

/** What a changed password is stored as: never weaker than before. */
const changes: [string, RegExp][] = [
  ['{MD5}x', /^\{MD5\}/],
  ['{MD5RAW}x', /^\{MD5RAW\}/],
  ['{SHA}x', /^\{SHA\}/],
  ['{SSHA}x', /^\{SSHA\}/],
  ['{SHA256}x', /^\{SHA256\}/],
  ['{SHA512}x', /^\{SHA512\}/],
  ['$1$saltsalt$x', /^\$1\$/],
  ['$5$rounds=2000$salt$x', /^\$5\$rounds=2000\$[./0-9A-Za-z]{16}\$/],
  ['$6$salt$x', /^\$6\$/],
  ['$2y$06$x', /^\$2y\$06\$/],
  ['$2b$05$x', /^\$2b\$05\$/],
  ['$y$j8T$abcdefgh$x', /^\$y\$j8T\$/],
  ['$gy$j8T$abcdefgh$x', /^\$gy\$j8T\$/],
  ['$7$BU..../....SodiumChloride$x', /^\$7\$BU\.\.\.\.\/\.\.\.\./],
  [
    '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    /^\$argon2id\$v=19\$m=256,t=2,p=1\$/,
  ],
  [
    '{SCRAM-SHA-256}5000,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
    /^\{SCRAM-SHA-256\}5000,/,
  ],
  ['{CRYPT}$6$salt$x', /^\{CRYPT\}\$6\$/],
  ['abNANd1rDfiNc', /^\$6\$/],
  ['', /^\$6\$/],
];
for (const [like, pattern] of changes) {
  test(`a password stored as "${like.slice(0, 24)}" keeps its scheme and cost`, async () => {
    const [one, two] = [await passwords.hash('n\xe9w', like), await passwords.hash('n\xe9w', like)];
    assert.match(one, pattern);
    assert.equal(await passwords.verify(one, 'n\xe9w'), true);
    assert.equal(await passwords.verify(one, 'new'), false);
    const isSalted = !/^\{(?:MD5|MD5RAW|SHA|SHA256|SHA512)\}/.test(like);
    assert.equal(one !== two, isSalted);
  });
}

test('no stored value makes the verification throw', async () => {
  const stored = fc.oneof(
    fc.string({ maxLength: 80 }),
    fc
      .tuple(
        fc.constantFrom('{SSHA}', '{SHA}', '$1$', '$2b$05$', '$argon2id$', '{SCRAM-SHA-256}', '_'),
        fc.string({ maxLength: 60 }),
      )
      .map((each) => each.join('')),
  );
  await fc.assert(
    fc.asyncProperty(stored, async (text) => {
      const octets = Buffer.from(text).toString('latin1');
      assert.equal(await passwords.verify(octets, 'a password that nothing has'), false);
    }),
    { numRuns: 200 },
  );
});

test('slow verifications do not block the event loop, and no more run than allowed', async () => {
  const stored = mkpasswd('-m', 'sha512crypt', '-R', '20000', 'secret');
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  const results = await Promise.all(Array.from({ length: 16 }, () => passwords.verify(stored, 'secret')));
  clearInterval(timer);
  assert.ok(results.every((matched) => matched));
  assert.ok(longest < 100, `the event loop stood still for ${longest} ms`);
});

test('the work queue keeps its limit and its order', async () => {
  const queue = createWorkQueue(2);
  let running = 0;
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 10 }, (_, i) =>
      queue.run(async () => {
        running++;
        assert.ok(running <= 2);
        order.push(i);
        await new Promise(setImmediate);
        running--;
      }),
    ),
  );
  assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
