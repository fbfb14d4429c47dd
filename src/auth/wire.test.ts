import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Account } from './account-record.ts';
import {
  hasControls,
  maxLineOctets,
  maxPayloadOctets,
  readReply,
  readRequest,
  splitAuthData,
  type WireRequest,
  writeAccount,
  writeRequest,
} from './wire.ts';

const octets = (text: string) => Buffer.from(text, 'latin1');
const request = (text: string) => {
  const read = readRequest(octets(text));
  return typeof read === 'string' ? read : read.request;
};

const requests: [string, string, WireRequest | 'more' | 'malformed'][] = [
  ['PRE', 'PRE . imap fred\n', { kind: 'pre', module: '.', service: 'imap', userId: 'fred' }],
  [
    'PRE with blanks',
    'PRE   authuserdb imap fred smith \n',
    { kind: 'pre', module: 'authuserdb', service: 'imap', userId: 'fred smith ' },
  ],
  ['PRE with CR', 'PRE . imap fred\r\n', { kind: 'pre', module: '.', service: 'imap', userId: 'fred\r' }],
  ['PRE with too few words', 'PRE . imap\n', 'malformed'],
  [
    'AUTH',
    'AUTH 24\nimap\nlogin\nfred\nsecret\n!',
    { kind: 'auth', service: 'imap', authType: 'login', data: 'fred\nsecret\n!' },
  ],
  [
    'AUTH without service',
    'AUTH 10\n\nlogin\na\nb',
    { kind: 'auth', service: '', authType: 'login', data: 'a\nb' },
  ],
  ['AUTH that is not complete', 'AUTH 25\nimap\nlogin\nfred\nsecret\n', 'more'],
  ['AUTH without authtype', 'AUTH 5\nimap\n', 'malformed'],
  ['AUTH with the longest payload', `AUTH ${maxPayloadOctets}\n`, 'more'],
  ['AUTH with a longer payload', `AUTH ${maxPayloadOctets + 1}\n`, 'malformed'],
  ['AUTH without length', 'AUTH\n', 'malformed'],
  [
    'PASSWD',
    'PASSWD imap\tfred\told\tnew\n',
    { kind: 'passwd', service: 'imap', userId: 'fred', oldPassword: 'old', newPassword: 'new' },
  ],
  [
    'PASSWD with a trailing TAB',
    'PASSWD imap\tfred\told\tnew\tx\n',
    { kind: 'passwd', service: 'imap', userId: 'fred', oldPassword: 'old', newPassword: 'new' },
  ],
  ['PASSWD with a control character', 'PASSWD imap\tfr\x01ed\told\tnew\n', { kind: 'refusedPasswd' }],
  ['PASSWD with three fields', 'PASSWD imap\tfred\told\n', 'malformed'],
  ['ENUMERATE', 'ENUMERATE all of them\n', { kind: 'enumerate' }],
  ['lower case', 'enumerate\n', 'malformed'],
  ['an unknown command', 'QUIT\n', 'malformed'],
  ['an empty line', '\n', 'malformed'],
  ['metadata only', 'TCPREMOTEIP=::1\n', 'more'],
  ['no line end', 'PRE . imap fred', 'more'],
  [
    'the longest line',
    `PRE . imap ${'x'.repeat(maxLineOctets - 11)}\n`,
    { kind: 'pre', module: '.', service: 'imap', userId: 'x'.repeat(maxLineOctets - 11) },
  ],
  ['a longer line', `PRE . imap ${'x'.repeat(maxLineOctets - 10)}\n`, 'malformed'],
  ['a longer line without an end', 'x'.repeat(maxLineOctets + 1), 'malformed'],
];
for (const [name, text, expected] of requests) {
  test(`request: ${name}`, () => assert.deepEqual(request(text), expected));
}

test('metadata comes before the command, unknown names too', () => {
  const read = readRequest(octets('TCPREMOTEIP=192.0.2.7\nX=a b=c\nPRE . imap fred\nrest'));
  assert.ok(typeof read !== 'string');
  assert.deepEqual(
    [...read.metadata],
    [
      ['TCPREMOTEIP', '192.0.2.7'],
      ['X', 'a b=c'],
    ],
  );
  assert.equal(read.consumed, 46);
});

test('what is written is read back', () => {
  const word = fc.string({ minLength: 1, maxLength: 40 }).filter((text) => /^[!-~]+$/.test(text));
  fc.assert(
    fc.property(word, word, word, (service, userId, password) => {
      const written: WireRequest[] = [
        { kind: 'pre', module: '.', service, userId },
        { kind: 'auth', service, authType: 'login', data: `${userId}\n${password}\n` },
        { kind: 'passwd', service, userId, oldPassword: password, newPassword: userId },
        { kind: 'enumerate' },
      ];
      for (const each of written) {
        const read = readRequest(writeRequest(each, new Map([['TCPREMOTEIP', '::1']])));
        assert.ok(typeof read !== 'string');
        assert.deepEqual(read.request, each);
      }
    }),
  );
});

test('no octets make the reader throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void readRequest(Buffer.from(bytes))));
});

const authData: [string, [string, string] | undefined][] = [
  ['fred\nsecret\n', ['fred', 'secret']],
  ['fred\nsecret', ['fred', 'secret']],
  ['\n\nfred\n\nsecret\nmore\n', ['fred', 'secret']],
  ['fred\n\n', undefined],
  ['\nsecret\n', undefined],
  ['', undefined],
];
for (const [data, expected] of authData) {
  test(`authdata ${JSON.stringify(data)}`, () => assert.deepEqual(splitAuthData(data), expected));
}

const account: Account = {
  address: 'fred',
  uid: 1000,
  gid: 1001,
  home: '/home/fred',
  fullName: 'Fred F, room 7',
  maildir: 'Maildir',
  quota: '1000S',
  cryptPassword: '$1$x',
  clearPassword: 'secret',
  options: 'disableimap=0',
};

test('an account is written in the order of the attributes, its name cut at the comma', () =>
  assert.equal(
    writeAccount(account, { crypt: true, clear: true }).toString(),
    'UID=1000\nGID=1001\nHOME=/home/fred\nADDRESS=fred\nNAME=Fred F\nMAILDIR=Maildir\nQUOTA=1000S\n' +
      'PASSWD=$1$x\nPASSWD2=secret\nOPTIONS=disableimap=0\n.\n',
  ));

test('passwords are left out where they may not be seen', () => {
  const text = writeAccount(account, { crypt: false, clear: false }).toString();
  assert.doesNotMatch(text, /PASSWD/);
});

test('a system account is sent without UID', () =>
  assert.match(
    writeAccount({ ...account, username: 'fred' }, { crypt: false, clear: false }).toString(),
    /^USERNAME=fred\nGID=/,
  ));

test('no value can inject an attribute', () => {
  const hostile = writeAccount({ ...account, home: '/x\nUID=0\n.\n' }, { crypt: false, clear: false });
  assert.doesNotMatch(hostile.toString(), /^UID=0$/m);
});

const replies: [string, string, unknown][] = [
  ['a rejection', 'FAIL\n', 'fail'],
  ['nothing', '', 'none'],
  ['one that is cut off', 'ADDRESS=fred\nGID=1\n', 'none'],
  ['an unfinished last line', 'ADDRESS=fred\n.', 'none'],
];
for (const [name, reply, expected] of replies) {
  test(`reply: ${name}`, () => assert.equal(readReply(octets(reply)), expected));
}

test('a reply may have unknown attributes, empty ones, and lines without =', () => {
  const reply = readReply(octets('ADDRESS=fred\nX=1\nnothing\nNAME=\nUID=5\nGID=6\nHOME=/h\n.\nUID=0\n'));
  assert.ok(typeof reply !== 'string');
  const { address, fullName, uid, gid, home } = reply;
  assert.deepEqual(
    { address, fullName, uid, gid, home },
    { address: 'fred', fullName: undefined, uid: 5, gid: 6, home: '/h' },
  );
});

test('control characters are those below a blank', () =>
  assert.deepEqual(['a\x1f', 'a\x7f', 'a\xa0', 'a b'].map(hasControls), [true, false, false, false]));
