/** Writes docs/settings.md from the table of settings; with `--check` it only says whether the file is up to date. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { settingsReference } from '../src/config/reference.ts';

const file = join(import.meta.dirname, '../docs/settings.md');
const text = settingsReference();
if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  console.error('docs/settings.md is stale: run node scripts/settings-reference.ts');
  process.exitCode = 1;
}
