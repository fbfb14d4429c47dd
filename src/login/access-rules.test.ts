import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AccessTable, parseAccessRules } from './access-rules.ts';

function table(text: string): AccessTable {
  const { rules, errors } = parseAccessRules(text);
  assert.deepEqual(errors, []);
  return new AccessTable(rules);
}

const file = `# comment
127.0.0.1\tallow,MAXCPERIP=100
192.168.0\tdeny

192.168.0.10\tallow,DEFDOMAIN=@example.com
10\tdeny
10.1.0.0/22\tallow
172.16.5.3-172.16.5.9\tdeny
:2001:0db8\tdeny
2001:db8:1::/48\tallow
*\tallow,X="a,b",Y
`;

const decisions: [address: string, denied: boolean, variables: Record<string, string>][] = [
  ['127.0.0.1', false, { MAXCPERIP: '100' }],
  ['::ffff:127.0.0.1', false, { MAXCPERIP: '100' }],
  ['192.168.0.9', true, {}],
  ['192.168.0.10', false, { DEFDOMAIN: '@example.com' }],
  ['10.0.0.1', true, {}],
  ['10.1.3.255', false, {}],
  ['10.1.4.0', true, {}],
  ['172.16.5.2', false, { X: 'a,b', Y: '' }],
  ['172.16.5.3', true, {}],
  ['172.16.5.9', true, {}],
  ['172.16.5.10', false, { X: 'a,b', Y: '' }],
  ['2001:db8::1', true, {}],
  ['2001:0DB8:0001::7', false, {}],
  ['2001:db9::1', false, { X: 'a,b', Y: '' }],
];
for (const [address, denied, variables] of decisions)
  test(`access of ${address}: ${denied ? 'denied' : 'allowed'}`, () => {
    const rule = table(file).find(address);
    assert.deepEqual([rule?.deny, rule?.variables], [denied, variables]);
  });

test('an address that no record covers is not mentioned', () => {
  assert.equal(table('10\tdeny\n').find('192.0.2.1'), undefined);
  assert.equal(table('').find('192.0.2.1'), undefined);
});

test('records of local addresses say nothing about clients', () =>
  assert.equal(table('*.143\tdeny\n127.0.0.1.143\tdeny\n').find('127.0.0.1'), undefined));

for (const [address, port, variables] of [
  ['127.0.0.1', 143, { A: '1' }],
  ['127.0.0.1', 993, { A: '2' }],
  ['127.0.0.2', 143, { A: '3' }],
  ['192.0.2.1', 143, { A: '4' }],
  ['192.0.2.1', 993, { A: '5' }],
  ['2001:db8::1', 143, { A: '6' }],
] as const)
  test(`the record of the local address ${address}, port ${port}`, () => {
    const text = [
      '127.0.0.1.143\tallow,A=1',
      '127.0.0.1\tallow,A=2',
      '127\tallow,A=3',
      '*.143\tallow,A=4',
      '*\tallow,A=5',
      ':2001:0db8:0000:0000:0000:0000:0000:0001.143\tallow,A=6',
    ].join('\n');
    assert.deepEqual(table(text).find(address, port)?.variables, variables);
  });

test('a record without an action allows', () =>
  assert.equal(table('192.0.2.1\n').find('192.0.2.1')?.deny, false));

const refused: [line: string, message: string][] = [
  ['nonsense\tdeny', '"nonsense" is no address or network'],
  ['1.2.3.4.5.6\tdeny', '"1.2.3.4.5.6" is no address or network'],
  ['192.0.2.300\tdeny', '"192.0.2.300" is no address or network'],
  ['10.0.0.0/33\tdeny', '"10.0.0.0/33" is no address or network'],
  ['10.0.0.9-10.0.0.1\tdeny', '"10.0.0.9-10.0.0.1" is no address or network'],
  [':2001:xyz\tdeny', '":2001:xyz" is no address or network'],
  ['10\tdeny\n10.0.0.0/8\tallow', '10.0.0.0/8 has a record already'],
];
for (const [text, message] of refused)
  test(`access file refuses ${JSON.stringify(text)}`, () =>
    assert.deepEqual(parseAccessRules(`# first\n${text}`).errors, [
      { line: text.split('\n').length + 1, message },
    ]));

test('a range covers its addresses and no others', () =>
  fc.assert(
    fc.property(fc.nat(255), fc.nat(255), fc.nat(255), (a, b, c) => {
      const [from, to] = a < b ? [a, b] : [b, a];
      const denied = table(`192.0.2.${from}-192.0.2.${to}\tdeny`).find(`192.0.2.${c}`)?.deny === true;
      assert.equal(denied, from <= c && c <= to);
    }),
  ));
