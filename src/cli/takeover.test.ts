import assert from 'node:assert/strict';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { peersDirectory } from '../../bench/servers/peers.ts';
import { courierMissing } from '../../test/support/peers.ts';
import { makeSelfSigned } from '../tls/self-signed.ts';
import { run } from './takeover.ts';

const scratch = mkdtempSync(join(tmpdir(), 'takeover-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

async function takeover(directory: string) {
  let [out, errors] = ['', ''];
  const code = await run({
    name: 'takeover',
    args: [directory],
    environment: {},
    stdout: (text) => {
      out += text;
    },
    stderr: (text) => {
      errors += text;
    },
  });
  const parts = out.split(/\n(?:Works as it is|Will be different|To change before the switch)\n/);
  return { code, errors, works: parts[1] ?? '', differs: parts[2] ?? '', change: parts[3] ?? '' };
}

/** A copy of a machine with these files. */
function machine(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(scratch, 'm'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text, { mode: 0o600 });
  }
  return root;
}

/** Names, sizes and times of everything below a directory. */
function state(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => {
      const { size, mtimeMs, ctimeMs } = statSync(join(directory, name), { throwIfNoEntry: false }) ?? {};
      return `${name} ${size} ${mtimeMs} ${ctimeMs}`;
    })
    .sort();
}

const uid = process.getuid!();

test("Debian's Courier: nothing to change, and nothing is changed", { skip: courierMissing() }, async () => {
  const root = machine({});
  const own = join(root, 'etc/courier');
  // Other tests use the tree at the same time.
  cpSync(join(peersDirectory, 'courier/etc/courier'), own, { recursive: true, preserveTimestamps: true });
  const before = state(own);
  const { code, works, differs, change } = await takeover(root);
  assert.deepEqual([code, change], [0, '  nothing\n']);
  for (const line of [
    'settings: every value can be read',
    'imaps: is served on *.993',
    'access file: /etc/courier/imapaccess is read as text',
    'certificate: /etc/courier/imapd.pem is for ',
    'accounts: authuserdb has ',
  ])
    assert.ok(works.includes(line), `${line}\n${works}`);
  assert.match(differs, /TLS_CACHEFILE has no effect/);
  assert.deepEqual(state(own), before);
});

test('what has to be changed is found', async () => {
  const ours = `/home/ann`;
  const root = machine({
    'etc/courier/imapd': 'PORT=many\nTCPDOPTS="-block=bl.example"\n',
    'etc/courier/imapd-ssl':
      'TLS_CERTFILE=/etc/courier/imapd.pem\nTLS_VERIFYPEER=PEER\nTLS_TRUSTCERTS=/none\n',
    'etc/courier/imapd.pem': 'nonsense',
    'etc/courier/authdaemonrc': 'authmodulelist="authvchkpw authuserdb authmysql authnothing"\n',
    'etc/courier/userdb': `ann\tuid=${uid || 5000}|gid=1|home=${ours}\nroot\tuid=0|gid=0|home=/root\n`,
    'etc/courier/userdb.dat': '',
    'etc/courier/imapaccess': '10\tdeny\n10\tallow\n',
    'etc/courier/shared/index': 'bob\t5\t5\t/nowhere\nbroken\n',
    'home/ann/Maildir/.&AOQ-/cur/x': '',
  });
  utimesSync(join(root, 'etc/courier/userdb.dat'), 1, 1);
  const before = state(root);
  const { code, differs, change } = await takeover(root);
  assert.equal(code, 1);
  for (const line of [
    /settings: \S+\/imapd:1: PORT: "many" is not a port/,
    /certificate: \/etc\/courier\/imapd\.pem: /,
    /client certificates: \/none: ENOENT/,
    /accounts: there is no module authnothing/,
    /accounts: authmysql: \S+\/authmysqlrc is missing/,
    /accounts: root: a uid of 0/,
    /shared folders: \S+: 1 lines cannot be read/,
  ])
    assert.match(change, line);
  for (const line of [
    /-block and -allow without -drop refuse nobody/,
    /accounts: authvchkpw is passed over/,
    /accounts: \S+userdb was changed after makeuserdb/,
    /shared folders: \S+: bob: there is no maildir/,
  ])
    assert.match(differs, line);
  if (uid !== 0) assert.match(change, /maildirs: ann: folder names from before Courier 5\.0/);
  else assert.match(change, /maildirs: ann: belongs to another uid/);
  assert.deepEqual(state(root), before);
});

test('only the compiled userdb is there', async () => {
  const root = machine({
    'etc/courier/pop3d': '',
    'etc/courier/authdaemonrc': 'authmodulelist=authuserdb\n',
    'etc/courier/userdb.dat': '',
  });
  assert.match(
    (await takeover(join(root, 'etc/courier'))).change,
    /userdb\.dat cannot be read: get the text back/,
  );
});

test('a certificate that has ended, and one without a host name', async () => {
  const subject = [['CN', 'mail.example.com']] as const;
  const ended = await makeSelfSigned({ subject, names: ['mail.example.com'], days: 1, from: new Date(0) });
  const bare = await makeSelfSigned({ subject, names: [], days: 9, from: new Date(Date.now() - 1000) });
  const root = machine({
    'etc/courier/imapd': '',
    'etc/courier/imapd-ssl': 'TLS_CERTFILE=/a.pem\nTLS_VERIFYPEER=NONE\n',
    'etc/courier/pop3d': '',
    'etc/courier/pop3d-ssl': 'TLS_CERTFILE=/b.pem\nTLS_VERIFYPEER=NONE\n',
    'a.pem': ended,
    'b.pem': bare,
  });
  const { works, differs, change } = await takeover(root);
  assert.match(change, /\/a\.pem has expired on /);
  assert.match(works, /\/b\.pem is for CN=mail\.example\.com and valid for 8 days/);
  assert.match(differs, /\/b\.pem has no host name in subjectAltName/);
});

test('no installation there', async () => {
  const { code, errors } = await takeover(scratch);
  assert.equal(code, 1);
  assert.match(errors, /no setting files of Courier here/);
});
