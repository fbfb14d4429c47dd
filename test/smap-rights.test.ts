/**
 * SMAP1: every command with every right present and absent (smap §5, quota-acl-shared §2.7), in a mailbox of somebody
 * else whose name is not ASCII. What counts is what happened, on the disk where something can happen there.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaultMailboxesSettings, Mailboxes } from '../src/access/mailboxes.ts';
import { openAccount } from '../src/store/account.ts';
import { InProcessSmapClient } from './support/smap-client.ts';
import { makeFolderDirectory, testStoreSettings } from './support/temporary-account.ts';

const scratch = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const all = 'aceilrstwx';
const box = 'public bob Größe';

interface Case {
  readonly bob: string;
  /** Sends a command; its lines, the status last. */
  run(command: string): Promise<string[]>;
  messages(): string[];
  acl(): string;
}

interface Row {
  readonly command: string;
  readonly needs: (has: (right: string) => boolean) => boolean;
  /** What is denied says so; otherwise it just does not happen. */
  readonly silent?: true;
  /** OPEN comes first. */
  readonly opens?: true;
  /** Does it; whether it happened, or the text of the refusal. */
  readonly happens: (c: Case) => Promise<boolean | string>;
}

async function replied({ run }: Case, command: string): Promise<boolean | string> {
  const status = (await run(command)).at(-1)!;
  return status.startsWith('+OK') || status;
}

function done(command: string, look: (c: Case) => boolean): Row['happens'] {
  return async (c) => {
    const outcome = await replied(c, command);
    assert.equal(outcome === true, look(c), `${command}: ${outcome}`);
    return outcome;
  };
}

function storing(name: string, right: string, letter: string): Row {
  return {
    command: `STORE +FLAGS=${name}`,
    needs: (has) => has('r') && has(right),
    silent: true,
    opens: true,
    async happens(c) {
      await c.run(`STORE 1 +FLAGS=${name}`);
      return c.messages()[0]!.replace(/.*:2,/, '').includes(letter);
    },
  };
}

/** Which letters arrive with a message of mine that has \Seen, \Deleted and \Flagged. */
const arriving = (['COPY', 'MOVE'] as const).flatMap((command) =>
  [
    ['S', 's'],
    ['T', 't'],
    ['F', 'w'],
  ].map(
    ([letter = '', right = '']): Row => ({
      command: `${command} of a message with flag ${letter}`,
      needs: (has) => has('i') && has(right),
      silent: true,
      async happens(c) {
        await c.run('OPEN INBOX');
        await c.run(`${command} 1 "" ${box}`);
        return c
          .messages()
          .some((name) => !/^[12]\./.test(name) && name.replace(/.*:2,/, '').includes(letter));
      },
    }),
  ),
);

const rows: Row[] = [
  {
    command: 'LIST',
    needs: (has) => has('l'),
    silent: true,
    happens: async ({ run }) => (await run('LIST public bob')).some((line) => /^\* LIST "Gr/.test(line)),
  },
  { command: 'STATUS', needs: (has) => has('l'), happens: (c) => replied(c, `STATUS FULL ${box}`) },
  { command: 'OPEN', needs: (has) => has('r'), happens: (c) => replied(c, `OPEN ${box}`) },
  { command: 'SOPEN', needs: (has) => has('r'), happens: (c) => replied(c, `SOPEN "" ${box}`) },
  {
    command: 'FETCH that sets SEEN',
    needs: (has) => has('r') && has('s'),
    silent: true,
    opens: true,
    async happens(c) {
      await c.run('FETCH 1 CONTENTS=ALL');
      return c.messages()[0]!.includes('S');
    },
  },
  storing('SEEN', 's', 'S'),
  storing('DELETED', 't', 'T'),
  storing('MARKED', 'w', 'F'),
  storing('REPLIED', 'w', 'R'),
  storing('DRAFT', 'w', 'D'),
  {
    command: 'EXPUNGE',
    needs: (has) => has('r') && has('e'),
    opens: true,
    happens: done('EXPUNGE', (c) => c.messages().length === 1),
  },
  {
    command: 'EXPUNGE of messages',
    needs: (has) => has('r') && has('e') && has('t'),
    opens: true,
    happens: done('EXPUNGE 1', (c) => c.messages().length === 1),
  },
  {
    command: 'MOVE out',
    needs: (has) => has('r') && has('t') && has('e'),
    opens: true,
    happens: done('MOVE 1 "" INBOX', (c) => c.messages().length === 1),
  },
  {
    command: 'COPY out',
    needs: (has) => has('r'),
    opens: true,
    happens: (c) => replied(c, 'COPY 1 "" INBOX'),
  },
  ...['COPY', 'MOVE'].map(
    (command): Row => ({
      command,
      needs: (has) => has('i'),
      async happens(c) {
        await c.run('OPEN INBOX');
        return done(`${command} 1 "" ${box}`, () => c.messages().length === 3)(c);
      },
    }),
  ),
  ...arriving,
  { command: 'ADD FOLDER', needs: (has) => has('i'), happens: (c) => replied(c, `ADD FOLDER ${box} ""`) },
  {
    command: 'CREATE below',
    needs: (has) => has('c'),
    happens: done(`CREATE ${box} new`, ({ bob }) => existsSync(join(bob, '.Größe.new'))),
  },
  { command: 'MKDIR below', needs: (has) => has('c'), happens: (c) => replied(c, `MKDIR ${box} new`) },
  {
    command: 'DELETE',
    needs: (has) => has('x'),
    happens: done(`DELETE ${box}`, ({ bob }) => !existsSync(join(bob, '.Größe'))),
  },
  {
    command: 'RENAME away',
    needs: (has) => has('x'),
    happens: done(`RENAME ${box} "" public bob Open moved`, ({ bob }) =>
      existsSync(join(bob, '.Open.moved')),
    ),
  },
  {
    command: 'RENAME to a name below',
    needs: (has) => has('c'),
    happens: done(`RENAME public bob Open "" ${box} moved`, ({ bob }) =>
      existsSync(join(bob, '.Größe.moved')),
    ),
  },
  {
    command: 'ACL',
    needs: (has) => ['l', 'r', 'i', 'c', 'x', 'e', 'a'].some(has),
    happens: (c) => replied(c, `ACL ${box}`),
  },
  { command: 'GETACL', needs: (has) => has('a'), happens: (c) => replied(c, `GETACL ${box}`) },
  {
    command: 'SETACL',
    needs: (has) => has('a'),
    happens: done(`SETACL ${box} "" user=eve lr`, (c) => c.acl().includes('user=eve lr')),
  },
  {
    command: 'DELETEACL',
    needs: (has) => has('a'),
    happens: done(`DELETEACL ${box} "" user=zed`, (c) => !c.acl().includes('user=zed')),
  },
];

const setsFor = ({ opens }: Row): string[] => [
  all,
  '',
  ...[...all].map((right) => all.replace(right, '')),
  ...[...all].map((right) => (opens && right !== 'r' ? `${right}r` : right)),
];

for (const row of rows)
  test(`SMAP ${row.command} with every right present and absent`, async () => {
    for (const rights of setsFor(row)) await check(row, rights);
  });

async function check({ command, needs, silent, opens, happens }: Row, rights: string): Promise<void> {
  const home = mkdtempSync(join(scratch, 'postrider-smap-rights-'));
  const { client, ...c } = await open(home, rights);
  try {
    const wanted = needs((right) => rights.includes(right));
    const opened = opens ? await replied(c, `OPEN ${box}`) : true;
    const outcome = opened === true ? await happens(c) : opened;
    assert.equal(outcome === true, wanted, `${command} with "${rights}": ${outcome}`);
    if (!wanted && !silent && !/Operation not permitted/.test(String(outcome)))
      assert.match(String(outcome), /^-ERR (?:.*: )?Access denied: ACL "[a-z]" is required$/);
  } finally {
    client.close();
    rmSync(home, { recursive: true, force: true });
  }
}

async function open(home: string, rights: string): Promise<Case & { client: InProcessSmapClient }> {
  const [mine, bob] = [join(home, 'me'), join(home, 'bob')];
  makeFolderDirectory(mine);
  for (const folder of ['', '.Größe', '.Open']) makeFolderDirectory(join(bob, folder));
  const acl = (folder: string, more: string) =>
    writeFileSync(join(bob, folder, 'courierimapacl'), `owner ${all}\nadministrators ${all}\n${more}`);
  acl('', '');
  acl('.Open', `user=me ${all}\n`);
  acl('.Größe', `user=me ${rights}\nuser=zed l\n`);
  writeFileSync(join(bob, '.Größe/cur/1.a:2,'), 'a: b\n\n');
  writeFileSync(join(bob, '.Größe/cur/2.a:2,T'), 'a: b\n\n');
  writeFileSync(join(mine, 'cur/3.a:2,FST'), 'a: b\n\n');
  writeFileSync(join(home, 'index'), `bob\t1000\t1000\t${home}\tbob\n`);
  const client = new InProcessSmapClient(mine, {
    makeMailboxes: () =>
      new Mailboxes(
        openAccount(mine, testStoreSettings),
        { ...defaultMailboxesSettings, shared: { indexFile: join(home, 'index'), mungeNames: false } },
        { login: 'me', groups: [], aclsDisabled: false },
      ),
  });
  await client.line();
  return {
    client,
    bob,
    run: (command) => client.command(command),
    messages: () => readdirSync(join(bob, '.Größe/cur')).sort(),
    acl: () => readFileSync(join(bob, '.Größe/courierimapacl'), 'utf8'),
  };
}
