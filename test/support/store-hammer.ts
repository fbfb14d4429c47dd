/**
 * A process that works on one folder with others: run with the directory, a name, a number of rounds. Writes what
 * it was told as JSON lines: `["append", uid, text]`, `["expunge", uid]`.
 */
import { writeFileSync } from 'node:fs';
import { silentLog } from '../../src/base/log.ts';
import { flag } from '../../src/store/flags.ts';
import { openFolder } from '../../src/store/registry.ts';

const [directory, name, rounds] = process.argv.slice(2) as [string, string, string];
const folder = await openFolder(directory, {
  durable: false,
  keywords: 1,
  useLocks: true,
  hostname: 'hammer.host',
  log: silentLog,
});
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

for (let round = 0; round < Number(rounds); round++) {
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
