import assert from 'node:assert/strict';
import type { Socket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { after, before, test } from 'node:test';
import { type DnsRecords, startDnsServer } from '../../test/support/dns-server.ts';
import type { DnsList } from '../config/program-options.ts';
import { askDnsLists, reversedName } from './dns-lists.ts';

const records: DnsRecords = {
  '2.0.0.127.bl.example': { a: '127.0.0.2', txt: 'listed for a reason' },
  '9.0.0.127.bl.example': { a: '127.0.0.9' },
  '2.0.0.127.ok.example': { a: '127.0.0.1' },
  '2.0.0.127.closed.example': { a: '127.255.255.254' },
  '2.0.0.127.hijacked.example': { a: '192.0.2.80' },
  [`1.${'0.'.repeat(31)}bl.example`]: { a: '127.0.0.2' },
};
const resolver = new Resolver({ timeout: 300, tries: 1 });
let server: Socket;

before(async () => {
  server = await startDnsServer(records);
  resolver.setServers([`127.0.0.1:${server.address().port}`]);
});
after(() => server.close());

const list = (zone: string, more: Partial<DnsList> = {}): DnsList => ({
  kind: 'block',
  zone,
  shown: zone,
  variable: 'BLOCK',
  answer: undefined,
  message: undefined,
  ...more,
});
const allow = { kind: 'allow' } as const;

interface Case {
  rules: DnsList[];
  address?: string;
  drop?: string[];
  variables?: Record<string, string>;
  refusal: string | undefined;
}

const cases: Record<string, Case> = {
  'a listed address': { rules: [list('bl.example')], refusal: 'Blacklisted by bl.example' },
  'a listed address in mapped form': {
    rules: [list('bl.example')],
    address: '::ffff:127.0.0.2',
    refusal: 'Blacklisted by bl.example',
  },
  'an IPv6 address': { rules: [list('bl.example')], address: '::1', refusal: 'Blacklisted by bl.example' },
  'an address that is not listed': { rules: [list('bl.example')], address: '127.0.0.3', refusal: undefined },
  'the shown name': { rules: [list('bl.example', { shown: 'us' })], refusal: 'Blacklisted by us' },
  'a message with the address': {
    rules: [list('bl.example', { message: 'No @ @' })],
    refusal: 'No 127.0.0.2 @',
  },
  "the list's own text": {
    rules: [list('bl.example', { message: '*' })],
    refusal: 'listed for a reason',
  },
  'a list without a text': {
    rules: [list('bl.example', { message: '*' })],
    address: '127.0.0.9',
    refusal: 'Blacklisted by bl.example',
  },
  'the record that counts': {
    rules: [list('bl.example', { answer: '127.0.0.2' })],
    refusal: 'Blacklisted by bl.example',
  },
  'another record': { rules: [list('bl.example', { answer: '127.0.0.9' })], refusal: undefined },
  'no -drop': { rules: [list('bl.example')], drop: [], refusal: undefined },
  'another variable is dropped': { rules: [list('bl.example')], drop: ['OTHER'], refusal: undefined },
  'any of several variables': {
    rules: [list('bl.example')],
    drop: ['OTHER', 'BLOCK'],
    refusal: 'Blacklisted by bl.example',
  },
  'an allowing list first': {
    rules: [list('ok.example', allow), list('bl.example')],
    refusal: undefined,
  },
  'an allowing list behind': {
    rules: [list('bl.example'), list('ok.example', allow)],
    refusal: 'Blacklisted by bl.example',
  },
  'the access file has said so': {
    rules: [list('bl.example')],
    variables: { BLOCK: '' },
    refusal: undefined,
  },
  'the access file refuses': { rules: [], variables: { BLOCK: 'never' }, refusal: 'never' },
  'an answer that says that one may not ask': { rules: [list('closed.example')], refusal: undefined },
  'an answer of somebody else': { rules: [list('hijacked.example')], refusal: undefined },
};
for (const [
  name,
  { rules, refusal, address = '127.0.0.2', drop = ['BLOCK'], variables = {} },
] of Object.entries(cases)) {
  test(`DNS lists: ${name}`, async () => {
    const verdict = await askDnsLists({ rules, drop, timeoutMs: 5_000 }, address, variables, resolver);
    assert.deepEqual(verdict, { refusal, failures: [] });
  });
}

test('lists that do not answer, or cannot, let everybody in and are named', async () => {
  const rules = [list('silent.example'), list('broken.example')];
  const settings = { rules, drop: ['BLOCK'], timeoutMs: 100 };
  const verdict = await askDnsLists(settings, '127.0.0.2', {}, resolver);
  assert.equal(verdict.refusal, undefined);
  assert.deepEqual(verdict.failures.toSorted(), [
    'broken.example: ESERVFAIL',
    'silent.example: no answer in time',
  ]);
});

test('one list does not keep the others from being heard', async () => {
  const rules = [list('silent.example'), list('bl.example')];
  const settings = { rules, drop: ['BLOCK'], timeoutMs: 100 };
  const { refusal } = await askDnsLists(settings, '127.0.0.2', {}, resolver);
  assert.equal(refusal, 'Blacklisted by bl.example');
});

test('reversed names', () => {
  assert.equal(reversedName('192.0.2.1'), '1.2.0.192');
  assert.equal(
    reversedName('2001:db8::567:89ab'),
    'b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2',
  );
  assert.equal(reversedName('nonsense'), undefined);
});
