/** Random steps of a session and of another program on the same files; afterwards both must agree. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, renameSync, unlinkSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { put, rowsOf, temporaryFolder, testSettings, textsOf } from '../../test/support/store-folder.ts';
import { canonicalInfo, flag } from './flags.ts';
import type { Folder, StoreSettings } from './folder.ts';
import { baseLength } from './name-order.ts';
import { forgetFolder, openFolder } from './registry.ts';

type Step = { readonly kind: string; readonly at: number; readonly bits: number };

const steps = fc.array(
  fc.record<Step>({
    kind: fc.constantFrom(
      'deliver',
      'drop into cur',
      'foreign flags',
      'foreign removal',
      'append',
      'flags',
      'keywords',
      'expunge',
      'refresh',
      'copy',
      'turn',
    ),
    at: fc.nat(1000),
    bits: fc.nat(31),
  }),
  { maxLength: 40 },
);

async function perform(folder: Folder, { kind, at, bits }: Step, serial: number): Promise<void> {
  const { directory } = folder;
  const names = readdirSync(`${directory}/cur`);
  const name = names[at % Math.max(1, names.length)];
  const uid = folder.count > 0 ? folder.uids[at % folder.count]! : 0;
  switch (kind) {
    case 'deliver':
      return put(directory, `new/${at}.d${serial}`);
    case 'drop into cur':
      return put(directory, `cur/${at}.c${serial}${canonicalInfo(bits)}`);
    case 'foreign flags':
      if (name !== undefined)
        renameSync(
          `${directory}/cur/${name}`,
          `${directory}/cur/${name.slice(0, baseLength(name))}${canonicalInfo(bits)}`,
        );
      return;
    case 'foreign removal':
      if (name !== undefined) unlinkSync(`${directory}/cur/${name}`);
      return;
    case 'append': {
      const message = await folder.startAppend();
      message.flags = bits;
      await message.write(Buffer.from(`appended ${serial}`));
      await folder.commitAppends([message]);
      return;
    }
    case 'flags':
      return folder.storeFlags([uid], { mode: 'replace', flags: bits, keywords: [], keywordsAllowed: false });
    case 'keywords':
      return folder.storeFlags([uid], { mode: 'add', flags: flag.seen, keywords: [`K${bits % 3}`] });
    case 'expunge':
      return void (await folder.expunge([uid]));
    case 'copy':
      return void (await folder.copyFrom(folder, [uid]));
    case 'refresh':
      return folder.refresh();
    default:
      await new Promise((resolve) => setImmediate(resolve));
  }
}

async function check(list: readonly Step[], settings: StoreSettings): Promise<void> {
  const { directory, remove } = temporaryFolder();
  try {
    const folder = await openFolder(directory, settings);
    /** UID → text, as told at any time. */
    const told = new Map<number, string>();
    for (const [serial, step] of list.entries()) {
      await perform(folder, step, serial);
      for (let row = 0; row < folder.count; row++) {
        const base = folder.baseName(row);
        assert.equal(told.get(folder.uids[row]!) ?? base, base, 'a UID means one message');
        told.set(folder.uids[row]!, base);
        if (row > 0) assert.ok(folder.uids[row]! > folder.uids[row - 1]!);
      }
    }
    // Equal time stamps must not hide a change from a folder that has no watch.
    if (settings.watch === false) await new Promise((resolve) => setTimeout(resolve, 25));
    await folder.refresh();
    // What a refresh writes itself (merged keywords) may be looked at once more.
    await folder.refresh();
    if (settings.watch !== false) assert.equal(folder.isDirty(), false);
    const rows = rowsOf(folder);
    assert.deepEqual(
      new Set(rows.map((row) => row.split(' ')[1])),
      new Set(readdirSync(`${directory}/cur`)),
      'the rows are the files',
    );
    assert.equal(existsSync(`${directory}/tmp/courier.lock`), false);
    const texts = textsOf(folder);
    forgetFolder(directory);
    const again = await openFolder(directory, settings);
    assert.deepEqual(rowsOf(again), rows, 'a new process sees the same');
    assert.deepEqual(textsOf(again), texts);
    assert.equal(again.uidNext, folder.uidNext);
  } finally {
    forgetFolder(directory);
    remove();
  }
}

test('with watches', () =>
  fc.assert(
    fc.asyncProperty(steps, (list) => check(list, testSettings)),
    { numRuns: 120 },
  ));

test('without watches', () =>
  fc.assert(
    fc.asyncProperty(steps, (list) => check(list, { ...testSettings, watch: false })),
    { numRuns: 40 },
  ));
