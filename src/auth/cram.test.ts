import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { hmacHashes, makeCramSecret, readCram, verifyCramClear, verifyCramSecret } from './cram.ts';
import { finishFromState, stateAfterBlock } from './hash-states.ts';

const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64');
const challenge = base64('<ABC@host>');
const digests = {
  md5: '3bd7b56343154e30f259442e1acffe28',
  sha1: '9b32e38bd9e42789f1f852ecc65face2c1f3b590',
  sha256: '264be7cebb00204dc81a19bf4235de700f74f3ce1eaa0f09d08ca9bce3cb99e1',
};
const secrets = {
  md5: 'cd3ba7deaad6e5ca23448ba42e379747a9e0f7f1fbc00c8a81bbaac395731b56',
  sha1: '091e0f4c6cb5277ee2beb639a60d0831b5c8adcdaee172433df3e96ba4f00fb1b6a490c3929d2034',
  sha256:
    '5a84072aab37d22275b139adf7a92564c7f674be98e77d991f6f689d29e05245' +
    '72804f31b042016804d3dea2f4e991a21b1c8906be161594b202fb74afc8ceb3',
};

for (const hash of hmacHashes) {
  test(`CRAM-${hash.toUpperCase()} with the reference vector`, () => {
    const good = readCram(`cram-${hash}`, challenge, base64(`fred smith ${digests[hash].toUpperCase()}`));
    assert.ok(good);
    assert.equal(good.userId, 'fred smith');
    assert.equal(verifyCramClear(good, 'secret'), true);
    assert.equal(verifyCramClear(good, 'Secret'), false);
    assert.equal(verifyCramSecret(good, secrets[hash]), true);
    assert.equal(verifyCramSecret(good, makeCramSecret(hash, 'Secret')), false);
    assert.equal(makeCramSecret(hash, 'secret'), secrets[hash]);
  });

  test(`CRAM-${hash.toUpperCase()} with the empty key never succeeds`, () => {
    const digest = createHmac(hash, '').update('<ABC@host>').digest('hex');
    const cram = readCram(`cram-${hash}`, challenge, base64(`fred ${digest}`));
    assert.ok(cram);
    assert.equal(verifyCramClear(cram, ''), false);
  });

  test(`${hash} continued from a state equals node:crypto`, () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 64, maxLength: 64 }),
        fc.uint8Array({ maxLength: 200 }),
        (block, rest) => {
          const expected = createHash(hash).update(block).update(rest).digest('hex');
          assert.equal(finishFromState(hash, stateAfterBlock(hash, block), rest).toString('hex'), expected);
        },
      ),
    );
  });

  test(`a ${hash} secret of any password verifies that password's response`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 150 }), (password) => {
        const digest = createHmac(hash, password).update('<ABC@host>').digest('hex');
        const cram = readCram(`cram-${hash}`, challenge, base64(`x ${digest}`))!;
        return verifyCramSecret(cram, makeCramSecret(hash, Buffer.from(password).toString('latin1')));
      }),
    );
  });
}

const refused: [string, string, string, string][] = [
  ['unknown hash', 'cram-sha512', challenge, base64(`fred ${digests.md5}`)],
  ['upper-case authtype', 'CRAM-MD5', challenge, base64(`fred ${digests.md5}`)],
  ['one digit short', 'cram-md5', challenge, base64(`fred ${digests.md5.slice(1)}`)],
  ['one digit more', 'cram-md5', challenge, base64(`fred 0${digests.md5}`)],
  ['no user id', 'cram-md5', challenge, base64(` ${digests.md5}`)],
  ['no space', 'cram-md5', challenge, base64(digests.md5)],
  ['not hexadecimal', 'cram-md5', challenge, base64(`fred ${'g'.repeat(32)}`)],
  ['response without padding', 'cram-md5', challenge, base64(`fred ${digests.md5}`).replace(/=+$/, '')],
  ['challenge not base64', 'cram-md5', '<ABC>', base64(`fred ${digests.md5}`)],
];
for (const [name, authType, sent, response] of refused) {
  test(`CRAM refuses ${name}`, () => assert.equal(readCram(authType, sent, response), undefined));
}
