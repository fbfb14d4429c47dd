import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPasswords } from '../passwords.ts';

const passwords = createPasswords(2);

const accepted: [string, string, string][] = [
  ['MD5', 'secret', '{MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ=='],
  ['MD5RAW', 'secret', '{MD5RAW}5ebe2294ecd0e0f08eab7690d2a6ee69'],
  ['SHA', 'secret', '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ='],
  ['SHA256', 'secret', '{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols='],
  ['SHA256, prefix in lower case', 'secret', '{sha256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols='],
  ['SSHA', 'secret', '{SSHA}+RFhsab2AfzZ0VfEdyknXtUT06RhYmNk'],
  ['MD5 crypt', 'secret', '$1$saltsalt$9xy1btjgzLYfb7hivXtC//'],
  ['DES', 'secret', 'abNANd1rDfiNc'],
  ['{CRYPT}DES', 'secret', '{CRYPT}abNANd1rDfiNc'],
  ['SHA-256 crypt', 'secret', '$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA'],
];
for (const [name, password, stored] of accepted) {
  test(`${name} is verified`, async () => {
    assert.equal(await passwords.verify(stored, password), true);
    assert.equal(await passwords.verify(stored, `${password}x`), false);
  });
}
