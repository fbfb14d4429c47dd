import assert from 'node:assert/strict';
import { test } from 'node:test';
import { baseSubject } from './base-subject.ts';

const subjects: [subject: string, base: string, isReplyOrForward: boolean][] = [
  ['', '', false],
  ['Hello  \t World ', 'HELLO WORLD', false],
  ['re: a', 'A', true],
  ['RE : a', 'A', true],
  ['Re[2]: a', 'A', true],
  ['Re [x] : Fw: FWD: a', 'A', true],
  ['[list] Re: a', 'A', true],
  ['Re: [list] a', 'A', true],
  ['[list] a', 'A', false],
  ['[a] [b] c', 'C', false],
  ['[only]', '[ONLY]', false],
  ['Re: [only]', '[ONLY]', true],
  ['a (fwd)', 'A', true],
  ['a (FWD) (fwd) ', 'A', true],
  ['[Fwd: a]', 'A', true],
  ['[fwd: Re: [x] b (fwd)]', 'B', true],
  ['[fwd: a] b', 'B', false],
  ['Re:', '', true],
  ['Reply: a', 'REPLY: A', false],
  ['Re a', 'RE A', false],
  ['fw: ä', 'Ä', true],
];

for (const [subject, base, isReplyOrForward] of subjects) {
  test(`base subject: "${subject}"`, () =>
    assert.deepEqual(baseSubject(subject), { base, isReplyOrForward }));
}

test('hostile subjects take little time', () => {
  const started = performance.now();
  for (const piece of ['[', '[a]', '[a] ', 're:', '(fwd)', '[fwd:', ' ', '[fwd:]'])
    baseSubject(piece.repeat(50_000));
  assert.ok(performance.now() - started < 2000);
});
