/** SELECT_CLAUSE, ENUMERATE_CLAUSE and CHPASS_CLAUSE (authlib §3.4), the same for every database. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { AuthModule } from '../../src/auth/modules/module.ts';
import { hostileIds, moduleContext } from './auth-contract.ts';
import { privateFolder, removeFolder } from './private-server.ts';

/** A table of a site's own, unlike Courier's. */
export const clausesTable =
  'CREATE TABLE people (who VARCHAR(60), place VARCHAR(60), h VARCHAR(255), c VARCHAR(255), note VARCHAR(60));\n' +
  "INSERT INTO people VALUES ('fred', 'example.com', '{MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==', '', 'fred''s');\n" +
  "INSERT INTO people VALUES ('fred', 'other.org', '', 'geheim', '');\n" +
  "INSERT INTO people VALUES ('eve', 'example.com', '{MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==', '', '');\n";

/** What the modules read of it; `$(unknown)` is nothing, `$5` and a quoted quote are themselves. */
function clauses(prefix: string): string {
  const address = "'$(local_part)@$(domain)'";
  return (
    `${prefix}SELECT_CLAUSE SELECT ${address}, h, c, 1000, 1000, '/home/$(unknown)$(domain)/$(local_part)', '', \\\n` +
    "  note, '$5 o''clock for $(service)' \\\n" +
    "  FROM people WHERE who = '$(local_part)' AND place = '$(domain)' AND '$(service)' <> 'esmtp'\n" +
    `${prefix}ENUMERATE_CLAUSE SELECT who, 1000, 1000, place, '', '$(service)=1,star=$(local_part)' \\\n` +
    "  FROM people WHERE place = '$(domain)'\n" +
    `${prefix}CHPASS_CLAUSE UPDATE people SET h = '$(newpass_crypt)', note = '$(newpass)' \\\n` +
    "  WHERE who = '$(local_part)' AND place = '$(domain)'\n" +
    // MySQL wants these even where they are of no use.
    `${prefix}USER_TABLE unused\n${prefix}CRYPT_PWFIELD unused\nDEFAULT_DOMAIN example.com\n##NAME: MARKER:0\n`
  );
}

interface ClausesSetUp {
  /** The part of the rc file that says where the database is. */
  readonly connection: string;
  cleanUp(): Promise<void>;
}

export function describeClauses(
  name: string,
  prefix: string,
  setUp: () => Promise<ClausesSetUp>,
  create: (path: string, context: ReturnType<typeof moduleContext>) => AuthModule,
): void {
  describe(`${name}: clauses of one's own`, { timeout: 60_000 }, () => {
    let made: ClausesSetUp;
    let module: AuthModule;
    const folder = privateFolder('clauses');
    before(async () => {
      made = await setUp();
      const path = join(folder, 'rc');
      writeFileSync(path, made.connection + clauses(prefix), { mode: 0o600 });
      module = create(path, moduleContext());
    });
    after(async () => {
      await module?.close();
      await made?.cleanUp();
      removeFolder(folder);
    });
    const login = (userId: string, password: string, service = 'imap') =>
      module.login({ service, userId, password });
    const change = (userId: string, oldPassword: string, newPassword: string) =>
      module.changePassword!({ service: 'imap', userId, oldPassword, newPassword });

    test('SELECT_CLAUSE gets the parts of the id and the service', async () => {
      const account = await login('fred@example.com', 'secret');
      assert.equal(account?.address, 'fred@example.com');
      assert.equal(account.home, '/home/example.com/fred');
      assert.equal(account.quota, "fred's");
      assert.equal(account.fullName, "$5 o'clock for imap");
      assert.equal(account.uid, 1000);
      assert.equal((await login('fred@other.org', 'geheim'))?.address, 'fred@other.org');
    });
    test('an id without a domain has DEFAULT_DOMAIN', async () =>
      assert.equal((await login('fred', 'secret'))?.address, 'fred@example.com'));
    test('the service can refuse', async () =>
      assert.equal(await login('fred@example.com', 'secret', 'esmtp'), undefined));
    test('ENUMERATE_CLAUSE gets DEFAULT_DOMAIN, a star and the word', async () => {
      const seen = await Array.fromAsync(module.enumerate!());
      const fred = seen.find(({ address }) => address === 'fred');
      assert.deepEqual(seen.map(({ address }) => address).sort(), ['eve', 'fred']);
      assert.equal(fred?.options, 'enumerate=1,star=*');
      assert.equal(fred.home, 'example.com');
    });

    for (const id of hostileIds) {
      test(`${JSON.stringify(id)} neither logs in nor changes anything`, async () => {
        assert.equal(await login(id, 'secret'), undefined);
        assert.equal(await login(`fred@${id}`, 'secret'), undefined);
        assert.equal(await change(id, 'secret', 'new'), false);
        assert.ok(await login('eve@example.com', 'secret'));
      });
    }
    for (const service of ["x' OR '1'='1", "imap' <> 'imap' OR 'a' <> '", '$(domain)']) {
      test(`the service ${service} is only a text`, async () =>
        assert.equal(
          (await login('fred@example.com', 'secret', service))?.fullName,
          `$5 o'clock for ${service}`,
        ));
    }

    test('CHPASS_CLAUSE stores any password in its own row, and nothing else', async () => {
      let current = 'secret';
      for (const next of [
        "it's",
        "x', h = 'y' -- ",
        '\\',
        "\\' OR 1=1 -- ",
        '"',
        '$(domain)',
        'größe',
        '%s',
      ]) {
        assert.equal(await change('fred@example.com', 'wrong', next), false);
        const octets = Buffer.from(next).toString('latin1');
        assert.equal(await change('fred@example.com', current, octets), true);
        const account = await login('fred@example.com', octets);
        assert.equal(account?.quota, octets);
        assert.match(account.cryptPassword!, /^\{MD5\}/);
        assert.equal(await login('fred@example.com', current), undefined);
        current = octets;
      }
      assert.ok(await login('eve@example.com', 'secret'));
      assert.ok(await login('fred@other.org', 'geheim'));
    });
  });
}
