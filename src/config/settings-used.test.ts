/** That the table says of every setting truly whether it has an effect. Only src/cli passes settings on. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { rows } from './settings.ts';

const cli = join(import.meta.dirname, '../cli');
const sources = [
  ...readdirSync(cli).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts')),
  '../config/cross-checks.ts',
].map((name) => readFileSync(join(cli, name), 'utf8').replaceAll(/^import .*$/gm, ''));

test('a setting is passed on, or the table says that it has no effect', () => {
  for (const { name, field, unused, pending } of rows) {
    const isUsed = sources.some((source) => new RegExp(`\\b${field}\\b`).test(source));
    if (unused === undefined && pending === undefined)
      assert.ok(isUsed, `${name} (${field}) is read nowhere`);
  }
});

test('a setting that is passed on is not said to have no effect', () => {
  for (const { name, field, pending } of rows) {
    const isUsed = sources.some((source) => new RegExp(`[sS]ettings\\.${field}\\b`).test(source));
    if (pending) assert.ok(!isUsed, `${name} (${field}) is read: take "pending" out of its row`);
  }
});
