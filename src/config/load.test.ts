import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Config, findConfigDirectory, loadConfig, serviceNames } from './load.ts';
import { formatProblem } from './problem.ts';

const debian = join(import.meta.dirname, 'fixtures/debian');
const scratch = mkdtempSync(join(tmpdir(), 'config-'));
after(() => rmSync(scratch, { recursive: true }));

/** A directory with the given files. */
function directory(files: Record<string, string>): string {
  const path = mkdtempSync(join(scratch, 'd'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}

function problems(config: Config, kind: 'errors' | 'warnings'): string[] {
  return config[kind].map((problem) => formatProblem(problem).replace(`${config.directory}/`, ''));
}

test("Debian's files load without errors or warnings", () => {
  const config = loadConfig(debian);
  assert.deepEqual(problems(config, 'errors'), []);
  assert.deepEqual(problems(config, 'warnings'), []);
  assert.ok(serviceNames.every((name) => config[name] !== undefined));
});

test('a variable of both files has the value of the plain file on 143, of the ssl file on 993', () => {
  const { imap, imaps } = loadConfig(debian);
  assert.equal(imap!.settings.maxConnections, 40);
  assert.equal(imaps!.settings.maxConnections, 100);
  assert.deepEqual(imaps!.variables.get('MAXDAEMONS'), {
    value: '100',
    file: join(debian, 'imapd-ssl'),
    line: 32,
  });
});

test('values are typed', () => {
  const { imap, pop3s, auth } = loadConfig(debian);
  assert.deepEqual(imap!.settings.ports, [{ address: undefined, port: 143 }]);
  assert.equal(imap!.settings.listenerOptions.denyMessage, 'go away');
  assert.deepEqual(imap!.settings.loggerOptions, { name: 'imapd', facility: undefined });
  assert.deepEqual([...imap!.settings.authServices], [['1143', 'imap-test']]);
  assert.deepEqual(imap!.settings.emptyTrash, [
    { folder: 'Trash', days: 7 },
    { folder: 'Junk', days: 30 },
  ]);
  assert.match(imap!.settings.capabilityTls, /^IMAP4rev1 .* IDLE AUTH=PLAIN$/);
  assert.deepEqual(pop3s!.settings.ports[1], { address: '::1', port: 1995 });
  assert.deepEqual(auth.settings.modules, ['authuserdb', 'authpam']);
  assert.equal(auth.settings.ldapEnvironment.get('TLS_REQCERT'), 'demand');
});

test('STARTTLS uses its own protocol setting, 993 the other', () => {
  const text = 'TLS_PROTOCOL=TLSv1.3\nTLS_STARTTLS_PROTOCOL=TLSv1.1\n';
  const { imap, imaps } = loadConfig(directory({ imapd: '', 'imapd-ssl': text }));
  assert.equal(imap!.settings.tlsProtocol.minVersion, 'TLSv1.1');
  assert.equal(imaps!.settings.tlsProtocol.minVersion, 'TLSv1.3');
});

test('STARTTLS follows TLS_PROTOCOL where it has no setting of its own', () => {
  const { imap } = loadConfig(directory({ imapd: '', 'imapd-ssl': 'TLS_PROTOCOL=TLSv1.3' }));
  assert.equal(imap!.settings.tlsProtocol.minVersion, 'TLSv1.3');
});

test('ports with TLS from the start neither offer nor require STARTTLS', () => {
  const { imap, imaps, pop3, pop3s } = loadConfig(debian);
  assert.deepEqual(
    [imap!.settings.startTls, imap!.settings.tlsRequired, imap!.implicitTls],
    [true, true, false],
  );
  assert.deepEqual(
    [imaps!.settings.startTls, imaps!.settings.tlsRequired, imaps!.implicitTls],
    [false, false, true],
  );
  assert.deepEqual([pop3!.settings.startTls, pop3!.settings.tlsRequired], [true, true]);
  assert.deepEqual([pop3s!.settings.startTls, pop3s!.settings.tlsRequired], [false, false]);
});

test('the environment has every variable, and what the start scripts add', () => {
  const path = directory({
    imapd: 'SITE="x y"\nIMAP_ACL=0',
    'imapd-ssl': 'IMAPDSTARTTLS=YES\nTLS_PROTOCOL=TLSv1.3',
  });
  const { imap, imaps } = loadConfig(path);
  const common = { SITE: 'x y', IMAP_ACL: '0', IMAPDSTARTTLS: 'YES' };
  assert.deepEqual(imap!.environment, { ...common, IMAP_STARTTLS: 'YES', TLS_PROTOCOL: '' });
  assert.deepEqual(imaps!.environment, { ...common, IMAP_TLS: '1', TLS_PROTOCOL: 'TLSv1.3' });
});

test('our own file counts for all services, and theirs before it', () => {
  const config = loadConfig(
    directory({ postrider: 'WORKERS=3\nDURABLE=NO\nLOGIN_TIMEOUT=20', imapd: '', pop3d: 'LOGIN_TIMEOUT=30' }),
  );
  assert.deepEqual(problems(config, 'warnings'), []);
  assert.equal(config.server.settings.workers, 3);
  assert.equal(config.imap!.settings.durable, false);
  assert.deepEqual([config.imap!.settings.loginSeconds, config.pop3!.settings.loginSeconds], [20, 30]);
});

const configured: [string, Record<string, string>, string[]][] = [
  ['only imapd', { imapd: '' }, ['imap']],
  ['only pop3d', { pop3d: '' }, ['pop3']],
  ['both of IMAP', { imapd: '', 'imapd-ssl': '' }, ['imap', 'imaps']],
  ['pop3d-ssl without pop3d', { imapd: '', 'pop3d-ssl': '' }, ['imap']],
];
for (const [what, files, expected] of configured)
  test(`${what}: ${expected.join(' and ')} configured`, () => {
    const config = loadConfig(directory(files));
    assert.deepEqual(
      serviceNames.filter((name) => config[name] !== undefined),
      expected,
    );
    assert.deepEqual(problems(config, 'errors'), []);
  });

test('without imapd-ssl port 143 offers no STARTTLS', () =>
  assert.equal(loadConfig(directory({ imapd: 'IMAPDSTARTTLS=YES' })).imap!.settings.startTls, false));

test('nothing to serve is an error', () => {
  const path = directory({ authdaemonrc: '' });
  assert.deepEqual(loadConfig(path).errors, [
    { file: path, line: 0, message: 'neither imapd nor pop3d is here: nothing to serve' },
  ]);
});

test('wrong values are errors with place, name and what is allowed, once each', () => {
  const config = loadConfig(
    directory({
      imapd: 'MAXDAEMONS=many\nPORT=70000\nIMAP_UMASK=9\n',
      'imapd-ssl': 'IMAPDSTARTTLS=1\nX=`date`\n',
      authdaemonrc: 'daemons=0\n',
    }),
  );
  assert.deepEqual(problems(config, 'errors'), [
    'authdaemonrc:1: daemons: 0 is out of range; allowed: a whole number from 1',
    'imapd:1: MAXDAEMONS: "many" is not a whole number; allowed: a whole number from 1',
    'imapd:2: PORT: "70000" is not a port; allowed: ports or address.port separated by commas, e.g. 143 or ' +
      '127.0.0.1.1143,::1.143',
    'imapd:3: IMAP_UMASK: "9" is not a file mode mask; allowed: an octal number from 000 to 777',
    'imapd-ssl:1: IMAPDSTARTTLS: "1" is neither; allowed: YES or NO',
    'imapd-ssl:2: a command in backquotes cannot be evaluated',
  ]);
  assert.equal(config.imap!.settings.maxConnections, 40);
});

test('unknown and useless settings are warnings, with what may have been meant', () => {
  const config = loadConfig(
    directory({
      imapd: 'IMAP_EMPTYTRAHS=Trash:7\nWORKERS=2\nSITE_HOOK=x\nPATH=/bin\nPOP3AUTH=PLAIN\n',
      'imapd-ssl': 'TLS_PRIORITY=NORMAL\nTLS_MIN_DH_BITS=\n',
    }),
  );
  assert.deepEqual(problems(config, 'errors'), []);
  assert.deepEqual(problems(config, 'warnings'), [
    'imapd:1: IMAP_EMPTYTRAHS: is not a setting (sessions get it in their environment); did you mean IMAP_EMPTYTRASH?',
    'imapd:2: WORKERS: has no effect here: it is read from postrider',
    'imapd:3: SITE_HOOK: is not a setting (sessions get it in their environment)',
    'imapd:5: POP3AUTH: has no effect here: it is read from pop3d',
    'imapd-ssl:1: TLS_PRIORITY: has no effect: a setting of GnuTLS; use TLS_CIPHER_LIST and TLS_PROTOCOL',
  ]);
});

test('an empty number is a missing one', () => {
  const config = loadConfig(directory({ imapd: 'MAXDAEMONS=\nIMAP_UMASK=\nIMAP_ULIMITD=\nIMAP_ACL=\n' }));
  assert.deepEqual(problems(config, 'errors'), []);
  assert.equal(config.imap!.settings.maxConnections, 40);
  assert.equal(config.imap!.settings.umask, 0o22);
  assert.equal(config.imap!.settings.acl, false);
});

test('a file that cannot be read is an error', () => {
  const path = directory({ imapd: '' });
  mkdirSync(join(path, 'pop3d'));
  assert.match(problems(loadConfig(path), 'errors')[0]!, /^pop3d: cannot be read: EISDIR/);
});

test('comments may be in any charset', () => {
  const path = directory({ imapd: '' });
  writeFileSync(join(path, 'imapd'), Buffer.from('# gr\xfcn\nIMAP_ACL=0\n', 'latin1'));
  assert.deepEqual(problems(loadConfig(path), 'errors'), []);
});

test('settings cannot be changed', () => {
  const { settings } = loadConfig(debian).imap!;
  assert.throws(() => Object.assign(settings, { acl: false }), TypeError);
});

test('the directory: asked for, then POSTRIDER_CONFIG', () => {
  assert.equal(findConfigDirectory('/a', { POSTRIDER_CONFIG: '/b' }), '/a');
  assert.equal(findConfigDirectory(undefined, { POSTRIDER_CONFIG: '/b' }), '/b');
  assert.match(findConfigDirectory(undefined, {}), /^(\/etc\/courier|\/usr\/lib\/courier-imap\/etc)$/);
});
