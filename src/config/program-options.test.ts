import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ValueRefusal } from './kinds.ts';
import { type ListenerOptions, listenerOptions, loggerOptions } from './program-options.ts';

const none = listenerOptions.read('');

const accepted: [string, Partial<ListenerOptions>][] = [
  ['-nodnslookup', { reverseLookup: false }],
  ['-nodnslookup -noidentlookup', { reverseLookup: false }],
  ["-nodnslookup '-denymsg=go away'", { reverseLookup: false, denyMessage: 'go away' }],
  ['-access=/etc/a -accesslocal', { accessFile: '/etc/a', accessLocal: true }],
  ['-maxperip=3 -maxperip=5 -maxperc=9', { maxPerAddress: 5, maxPerBlock: 9 }],
  ['-maxprocs=7 -warn=6', { maxConnections: 7, warnAt: 6 }],
  ['-haproxy', { proxyHeaders: [{ timeoutSeconds: 15, address: undefined, port: undefined }] }],
  [
    '-haproxy=5/port=143,/port=::1.993',
    {
      proxyHeaders: [
        { timeoutSeconds: 5, address: undefined, port: 143 },
        { timeoutSeconds: 15, address: '::1', port: 993 },
      ],
    },
  ],
  [
    '-block=bl.example.com,BLOCK/127.0.0.2,No -block=x.example.com=x -drop',
    {
      dnsLists: [
        {
          kind: 'block',
          zone: 'bl.example.com',
          shown: 'bl.example.com',
          variable: 'BLOCK',
          answer: '127.0.0.2',
          message: 'No',
        },
        {
          kind: 'block',
          zone: 'x.example.com',
          shown: 'x',
          variable: 'BLOCK',
          answer: undefined,
          message: undefined,
        },
      ],
      drop: ['BLOCK'],
    },
  ],
  [
    '-allow=ok.example.com,FINE -drop=BAD,WORSE',
    {
      dnsLists: [
        {
          kind: 'allow',
          zone: 'ok.example.com',
          shown: 'ok.example.com',
          variable: 'FINE',
          answer: undefined,
          message: undefined,
        },
      ],
      drop: ['BAD', 'WORSE'],
    },
  ],
];
for (const [value, expected] of accepted)
  test(`listener options ${value}`, () =>
    assert.deepEqual(listenerOptions.read(value), { ...none, ...expected }));

for (const value of [
  '--nodnslookup',
  '-nonsense',
  '-toString',
  'word',
  '-',
  '-maxperip=0',
  '-maxperc',
  '-haproxy=x',
  '-block',
])
  test(`listener options refuse ${value}`, () =>
    assert.throws(() => listenerOptions.read(value), ValueRefusal));

test('logger options: name and facility; others are of no use here', () => {
  assert.deepEqual(loggerOptions.read('-name=a -facility=local0 -respawn'), {
    name: 'a',
    facility: 'local0',
  });
  assert.deepEqual(loggerOptions.read(''), { name: undefined, facility: undefined });
});

for (const value of ['-facility=post', '-facility=local8', 'name'])
  test(`logger options refuse ${value}`, () => assert.throws(() => loggerOptions.read(value), ValueRefusal));
