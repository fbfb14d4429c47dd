/**
 * A process that works on one folder with others: run with the directory, a name, a number of rounds, and store
 * settings as JSON. Now and then it forgets the folder, as if it had ended and another had begun. Writes what it was
 * told as JSON lines: `["append", uid, text]`, `["expunge", uid]`.
 */
import { writeFileSync } from 'node:fs';
import { silentLog } from '../../src/base/log.ts';
import { MailError } from '../../src/base/mail-error.ts';
import { computed } from '../../src/store/computed.ts';
import { flag } from '../../src/store/flags.ts';
import { forgetClosedFolders, openFolder, saveFolders } from '../../src/store/registry.ts';
import type { StoreSettings } from '../../src/store/settings.ts';

const [directory, name, rounds, changes] = process.argv.slice(2) as [string, string, string, string];
const settings = {
  durable: false,
  keywords: 1,
  useLocks: true,
  hostname: 'hammer.host',
  log: silentLog,
  ...(JSON.parse(changes) as object),
} satisfies StoreSettings;
let folder = await openFolder(directory, settings);
const told: unknown[] = [];
let random = name.charCodeAt(0);
const next = (below: number) => {
  random = (random * 1103515245 + 12345) % 2147483648;
  return Math.floor((random / 2147483648) * below);
};

async function append(text: string): Promise<void> {
  const message = await folder.startAppend();
  await message.write(Buffer.from(text));
  told.push(['append', (await folder.commitAppends([message])).uids[0], `${text}\n`]);
}

/** A message's text, as the cache of all processes has it: each line is what somebody computed of it. */
function compute(): void {
  const row = next(folder.count);
  const message = folder.open(row);
  const text = message.readAll();
  message.close();
  const known = folder.computed.get(row, computed.text);
  if (known && !known.equals(text)) throw new Error(`${known} is not the text of ${folder.fileName(row)}`);
  if (!known) folder.computed.put(row, computed.text, text);
}

async function startAnew(): Promise<void> {
  await saveFolders();
  folder.close();
  forgetClosedFolders();
  folder = await openFolder(directory, settings);
}

for (let round = 0; round < Number(rounds); round++) {
  if (round % 20 === 19) await startAnew();
  await folder.computed.ready();
  try {
    if (folder.count > 0) compute();
  } catch (error) {
    if (!(error instanceof MailError)) throw error;
  }
  const kind = next(6);
  const uid = folder.count > 0 ? folder.uids[next(folder.count)]! : 0;
  if (kind <= 1) await append(`${name} ${round}`);
  else if (kind === 2) {
    await folder.storeFlags([uid], { mode: 'add', flags: flag.seen, keywords: next(2) ? [name] : [] });
  } else if (kind === 3) {
    await folder.storeFlags([uid], { mode: 'replace', flags: flag.flagged * next(2), keywords: [] });
  } else if (kind === 4) await folder.refresh();
  else if (next(3) === 0) for (const gone of await folder.expunge([uid])) told.push(['expunge', gone]);
  else writeFileSync(`${directory}/new/${Date.now()}.${name}.${round}`, `delivered ${name} ${round}\n`);
}
await folder.refresh();
folder.close();
process.stdout.write(told.map((each) => `${JSON.stringify(each)}\n`).join(''));
