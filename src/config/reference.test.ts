import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { settingsReference } from './reference.ts';
import { rows } from './settings.ts';

test('docs/settings.md is up to date (node scripts/settings-reference.ts writes it)', () => {
  const file = join(import.meta.dirname, '../../docs/settings.md');
  assert.equal(readFileSync(file, 'utf8'), settingsReference());
});

test('every setting is in the reference, in the section of each of its files', () => {
  const sections = settingsReference().split('\n## ');
  for (const { name, files, family } of rows)
    for (const file of files) {
      const section = sections.find((text) => text.startsWith(`\`${file}\`\n`));
      assert.ok(section?.includes(`| \`${name}${family ? '…' : ''}\` |`), `${name} in ${file}`);
    }
});
