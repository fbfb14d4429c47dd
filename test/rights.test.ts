/**
 * Every command with every right present and absent (quota-acl-shared §2.7), in a mailbox of somebody else whose name
 * is not ASCII. What counts is what happened, on the disk where something can happen there.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { InProcessClient } from './support/imap-client.ts';
import { makeFolderDirectory } from './support/temporary-account.ts';

/** A thousand small accounts are made: in memory where there is such a place. */
const scratch = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const all = 'aceilrstwx';
const login = 'ann@example.org';
/** `Größe`, as it is written. */
const box = '#shared.bob.Gr&APYA3w-e';

interface Case {
  readonly bob: string;
  /** Sends a command; the text of its tagged reply and the untagged lines. */
  run(command: string): Promise<{ reply: string; lines: string[] }>;
  /** Names of the messages in a folder of bob's. */
  messages(folder?: string): string[];
  acl(): string;
}

interface Row {
  readonly command: string;
  /** Whether it is done with these rights. */
  readonly needs: (has: (right: string) => boolean) => boolean;
  /** What is denied says so; otherwise it just does not happen. */
  readonly silent?: true;
  /** SELECT comes first. */
  readonly selects?: true;
  /** Does it; whether it happened, or the text of the refusal. */
  readonly happens: (c: Case) => Promise<boolean | string>;
}

const denied = /^NO \[NOPERM\] Access denied for \S.* on .* \(ACL "[a-z]" required\)$/;

async function replied({ run }: Case, command: string): Promise<boolean | string> {
  const { reply } = await run(command);
  return reply.startsWith('OK') || reply;
}

/** Runs it, and looks. */
function done(command: string, look: (c: Case) => boolean): Row['happens'] {
  return async (c) => {
    const outcome = await replied(c, command);
    assert.equal(outcome === true, look(c), `${command}: ${outcome}`);
    return outcome;
  };
}

const flagsOf = (c: Case) => c.messages().map((name) => name.replace(/.*:2,/, ''));
const writes = (has: (right: string) => boolean) => ['e', 'i', 's', 'w', 't'].some(has);

/** A flag, set on the first message. */
function storing(flag: string, right: string, letter: string): Row {
  return {
    command: `STORE ${flag}`,
    needs: (has) => has('r') && has(right),
    silent: true,
    selects: true,
    async happens(c) {
      await c.run(`STORE 1 +FLAGS (${flag})`);
      return flagsOf(c)[0]!.includes(letter);
    },
  };
}

const literal = '{4+}\r\na: b';
/** Which letters arrive with a message that has \Seen, \Deleted and \Flagged. */
function arriving(command: string, letter: string, right: string): Row {
  return {
    command: `${command.split(' ')[0]} of a message with flag ${letter}`,
    needs: (has) => has('i') && has(right),
    silent: true,
    async happens(c) {
      await c.run('SELECT INBOX');
      await c.run(command);
      return c.messages().some((name) => !/^[12]\./.test(name) && name.replace(/.*:2,/, '').includes(letter));
    },
  };
}

const rows: Row[] = [
  {
    command: 'LIST',
    needs: (has) => has('l'),
    silent: true,
    happens: async ({ run }) => (await run(`LIST "" ${box}`)).lines.some((line) => line.endsWith(`"${box}"`)),
  },
  {
    command: 'LSUB',
    needs: (has) => has('l'),
    silent: true,
    async happens({ run }) {
      await run(`SUBSCRIBE ${box}`);
      return (await run(`LSUB "" ${box}`)).lines.length > 0;
    },
  },
  { command: 'SUBSCRIBE', needs: () => true, happens: (c) => replied(c, `SUBSCRIBE ${box}`) },
  { command: 'UNSUBSCRIBE', needs: () => true, happens: (c) => replied(c, `UNSUBSCRIBE ${box}`) },
  { command: 'GETQUOTAROOT', needs: () => true, happens: (c) => replied(c, `GETQUOTAROOT ${box}`) },
  { command: 'SELECT', needs: (has) => has('r'), happens: (c) => replied(c, `SELECT ${box}`) },
  { command: 'EXAMINE', needs: (has) => has('r'), happens: (c) => replied(c, `EXAMINE ${box}`) },
  {
    command: 'STATUS',
    needs: (has) => has('r'),
    happens: (c) => replied(c, `STATUS ${box} (MESSAGES SIZE)`),
  },
  {
    command: 'LIST RETURN (MYRIGHTS)',
    silent: true,
    needs: (has) => has('l'),
    happens: async ({ run }) =>
      (await run(`LIST "" ${box} RETURN (MYRIGHTS)`)).lines.some((line) => line.startsWith('* MYRIGHTS ')),
  },
  {
    command: 'LIST RETURN (STATUS)',
    needs: (has) => has('l') && has('r'),
    silent: true,
    happens: async ({ run }) =>
      (await run(`LIST "" ${box} RETURN (STATUS (MESSAGES))`)).lines.some((line) =>
        line.startsWith('* STATUS'),
      ),
  },
  {
    command: 'SELECT to write',
    needs: (has) => has('r') && writes(has),
    silent: true,
    happens: async ({ run }) => (await run(`SELECT ${box}`)).reply.startsWith('OK [READ-WRITE]'),
  },
  {
    command: 'FETCH that sets \\Seen',
    needs: (has) => has('r') && has('s'),
    silent: true,
    selects: true,
    async happens(c) {
      await c.run('FETCH 1 BODY[]');
      return flagsOf(c)[0]!.includes('S');
    },
  },
  storing('\\Seen', 's', 'S'),
  storing('\\Deleted', 't', 'T'),
  storing('\\Flagged', 'w', 'F'),
  storing('\\Answered', 'w', 'R'),
  storing('\\Draft', 'w', 'D'),
  {
    command: 'STORE of a keyword',
    needs: (has) => has('r') && has('w'),
    silent: true,
    selects: true,
    happens: async ({ run }) =>
      (await run('STORE 1 +FLAGS (work)')).lines.some((line) => /FETCH \(FLAGS \(.*work/.test(line)),
  },
  ...['EXPUNGE', 'UID EXPUNGE 1:*'].map(
    (command): Row => ({
      command,
      needs: (has) => has('r') && has('e'),
      selects: true,
      happens: done(command, (c) => c.messages().length === 1),
    }),
  ),
  {
    command: 'CLOSE that expunges',
    needs: (has) => has('r') && has('e'),
    silent: true,
    selects: true,
    async happens(c) {
      await c.run('CLOSE');
      return c.messages().length === 1;
    },
  },
  {
    command: 'MOVE out',
    needs: (has) => has('r') && has('t') && has('e'),
    selects: true,
    happens: done('MOVE 1 INBOX', (c) => c.messages().length === 1),
  },
  {
    command: 'COPY out',
    needs: (has) => has('r'),
    selects: true,
    happens: (c) => replied(c, 'COPY 1 INBOX'),
  },
  {
    command: 'APPEND',
    needs: (has) => has('i'),
    happens: done(`APPEND ${box} ${literal}`, (c) => c.messages().length === 3),
  },
  {
    command: 'COPY',
    needs: (has) => has('i'),
    async happens(c) {
      await c.run('SELECT INBOX');
      return done(`COPY 1 ${box}`, () => c.messages().length === 3)(c);
    },
  },
  {
    command: 'MOVE',
    needs: (has) => has('i'),
    async happens(c) {
      await c.run('SELECT INBOX');
      return done(`MOVE 1 ${box}`, () => c.messages().length === 3)(c);
    },
  },
  ...[`COPY 1 ${box}`, `MOVE 1 ${box}`, `APPEND ${box} (\\Seen \\Deleted \\Flagged) ${literal}`].flatMap(
    (command) => [arriving(command, 'S', 's'), arriving(command, 'T', 't'), arriving(command, 'F', 'w')],
  ),
  {
    command: 'CREATE below',
    needs: (has) => has('c'),
    happens: done(`CREATE ${box}.new`, ({ bob }) => existsSync(join(bob, '.Größe.new'))),
  },
  {
    command: 'CREATE far below',
    needs: (has) => has('c'),
    happens: done(`CREATE ${box}.not.there`, ({ bob }) => existsSync(join(bob, '.Größe.not.there'))),
  },
  {
    command: 'DELETE',
    needs: (has) => has('x'),
    happens: done(`DELETE ${box}`, ({ bob }) => !existsSync(join(bob, '.Größe'))),
  },
  {
    command: 'RENAME away',
    needs: (has) => has('x'),
    happens: done(`RENAME ${box} #shared.bob.Open.moved`, ({ bob }) => existsSync(join(bob, '.Open.moved'))),
  },
  {
    command: 'RENAME to a name below',
    needs: (has) => has('c'),
    happens: done(`RENAME #shared.bob.Open ${box}.moved`, ({ bob }) => existsSync(join(bob, '.Größe.moved'))),
  },
  ...['GETACL', 'SETACL', 'DELETEACL'].map((command): Row => {
    const rest = { GETACL: '', SETACL: ' eve lr', DELETEACL: ' zed' }[command]!;
    const changed = { GETACL: /^/, SETACL: /user=eve lr/, DELETEACL: /^(?!.*user=zed)/s }[command]!;
    return {
      command,
      needs: (has) => has('a'),
      async happens(c) {
        const outcome = await replied(c, `${command} ${box}${rest}`);
        if (command !== 'GETACL') assert.equal(changed.test(c.acl()), outcome === true, c.acl());
        return outcome;
      },
    };
  }),
  ...['STORE %s user=eve lr', 'DELETE %s user=zed', 'SET %s owner all administrators all user=eve lr'].map(
    (command): Row => ({
      command: `ACL ${command.split(' ')[0]}`,
      needs: (has) => has('a') && has('l'),
      silent: true,
      async happens(c) {
        await c.run(`ACL ${command.replace('%s', box).replaceAll('all', all)}`);
        return /user=eve lr/.test(c.acl()) || !/user=zed/.test(c.acl());
      },
    }),
  ),
  ...['MYRIGHTS', 'LISTRIGHTS'].map(
    (command): Row => ({
      command,
      needs: (has) => ['l', 'r', 'i', 'c', 'x', 'e', 'a'].some(has),
      happens: (c) => replied(c, `${command} ${box}${command === 'LISTRIGHTS' ? ' bob' : ''}`),
    }),
  ),
  {
    command: 'LIST (ACL)',
    needs: (has) => has('l') && has('a'),
    silent: true,
    happens: async ({ run }) =>
      (await run(`LIST (ACL) "" ${box}`)).lines.some((line) => line.includes('user=zed')),
  },
];

/** All rights, none, each missing alone, and each alone; behind a SELECT, which needs r, each with r. */
const setsFor = (row: Row): string[] => [
  all,
  '',
  ...[...all].map((right) => all.replace(right, '')),
  ...[...all].map((right) => (row.selects && right !== 'r' ? `${right}r` : right)),
];

for (const row of rows)
  test(`${row.command} with every right present and absent`, async () => {
    for (const rights of setsFor(row)) await check(row, rights);
  });

async function check({ command, needs, silent, selects, happens }: Row, rights: string): Promise<void> {
  await withCase(rights, async (c) => {
    const wanted = needs((right) => rights.includes(right));
    const isSelected = selects ? (await c.run(`SELECT ${box}`)).reply : 'OK';
    const outcome = isSelected.startsWith('OK') ? await happens(c) : isSelected;
    assert.equal(outcome === true, wanted, `${command} with "${rights}": ${outcome}`);
    if (!wanted && !silent && !/read-only/i.test(String(outcome))) assert.match(String(outcome), denied);
  });
}

/** A fresh account with these rights in the mailbox. */
async function withCase(rights: string, task: (c: Case) => Promise<void>): Promise<void> {
  const home = mkdtempSync(join(scratch, 'postrider-rights-'));
  const c = await open(home, rights);
  try {
    await task(c);
  } finally {
    c.close();
    rmSync(home, { recursive: true, force: true });
  }
}

async function open(home: string, rights: string): Promise<Case & { close(): void }> {
  const [mine, bob] = [join(home, 'ann'), join(home, 'bob')];
  makeFolderDirectory(mine);
  for (const folder of ['', '.Größe', '.Open']) makeFolderDirectory(join(bob, folder));
  const everything = `user=${login} ${all}`;
  writeFileSync(join(bob, 'courierimapacl'), `owner ${all}\nadministrators ${all}\n`);
  writeFileSync(join(bob, '.Open/courierimapacl'), `owner ${all}\nadministrators ${all}\n${everything}\n`);
  const list = `owner ${all}\nadministrators ${all}\nuser=${login} ${rights}\nuser=zed l\n`;
  writeFileSync(join(bob, '.Größe/courierimapacl'), list);
  writeFileSync(join(bob, '.Größe/cur/1.a:2,'), 'a: b\n');
  writeFileSync(join(bob, '.Größe/cur/2.a:2,T'), 'a: b\n');
  writeFileSync(join(mine, 'cur/3.a:2,FST'), 'a: b\n');
  writeFileSync(join(home, 'index'), `bob\t1000\t1000\t${home}\tbob\n`);
  const client = new InProcessClient(mine, {
    watch: false,
    identity: { login, groups: [], aclsDisabled: false },
    mailboxes: { shared: { indexFile: join(home, 'index'), mungeNames: false } },
  });
  await client.line();
  return {
    bob,
    async run(command) {
      const lines = await client.command('t', command);
      return { reply: lines.pop()!.slice(2), lines };
    },
    messages: (folder = '.Größe') => readdirSync(join(bob, folder, 'cur')).sort(),
    acl: () => readFileSync(join(bob, '.Größe/courierimapacl'), 'utf8'),
    close: () => client.close(),
  };
}

test('after EXAMINE nothing is changed, whatever the rights', () =>
  withCase(all, async (c) => {
    const before = c.messages();
    assert.match((await c.run(`EXAMINE ${box}`)).reply, /^OK \[READ-ONLY\]/);
    await c.run('FETCH 1 BODY[]');
    for (const command of ['STORE 1 +FLAGS (\\Seen)', 'STORE 1 FLAGS (work)', 'MOVE 1 INBOX', 'EXPUNGE'])
      assert.match((await c.run(command)).reply, /^NO .*read-only/i, command);
    assert.match((await c.run(`APPEND ${box} ${literal}`)).reply, /^NO Current box is selected READ-ONLY/);
    await c.run('CLOSE');
    assert.deepEqual(c.messages(), before);
  }));
