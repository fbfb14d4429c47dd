import { test } from 'node:test';
import { seededRandom } from '../support/message-checks.ts';
import { checkMessage, mutate } from './message.ts';

test('400 damaged messages give consistent structures', () => {
  for (let seed = 1; seed <= 400; seed++) checkMessage(mutate(seededRandom(seed)), seededRandom(-seed));
});
