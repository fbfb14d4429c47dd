/** Writes what follows from the table of settings: docs/settings.md and the shipped files in etc/. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { settingsReference } from '../src/config/reference.ts';
import { settingsFiles, templateText } from '../src/config/template.ts';

const root = join(import.meta.dirname, '..');
mkdirSync(join(root, 'etc'), { recursive: true });
writeFileSync(join(root, 'docs/settings.md'), settingsReference());
for (const name of settingsFiles)
  writeFileSync(join(root, `etc/${name}.dist`), templateText(name, '/etc/courier'));
