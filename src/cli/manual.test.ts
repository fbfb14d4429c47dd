import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { commands } from './commands.ts';

const manual = join(import.meta.dirname, '../../docs/man');
const pages = readdirSync(manual);
const overview = readFileSync(join(manual, 'postrider.1'), 'utf8');

for (const name of Object.keys(commands))
  test(`${name} is in postrider(1) or has a manual page`, () => {
    const hasPage = pages.some((page) => /^\.\d$/.test(page.slice(name.length)) && page.startsWith(name));
    assert.ok(hasPage || new RegExp(`^\\\\fB${name}\\b|, \\\\fB${name}\\\\fR`, 'm').test(overview));
  });

for (const page of pages)
  test(`${page} has a title, a name and a synopsis`, () => {
    const text = readFileSync(join(manual, page), 'utf8');
    for (const part of [/^\.TH /m, /^\.SH NAME$/m, /^\.SH SYNOPSIS$/m]) assert.match(text, part);
  });
