/** mpop, fetchmail and curl as POP3 clients of `postrider serve`: in clear, with STLS and with TLS. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { makeCorpus } from '../../bench/corpus.ts';
import { programMissing } from '../support/peers.ts';
import { startPop3 } from '../support/pop3-server.ts';

const run = promisify(execFile);
const corpus = makeCorpus(25, 3000, 6);
const limits = { timeout: 60_000 };

/** Three messages, with lines that begin with a dot, also the first one. */
const messages = [
  '.one: 1\nSubject: one\n\n.\n..\n',
  'Subject: two\n\nBody of two.\n',
  'Subject: three\n\nend',
].map((text, i) => ({ text, dateSeconds: 1_700_000_000 + i, flags: '' }));

const ways = [
  ['in clear', 'pop3', []],
  ['with STLS', 'pop3', ['--ssl-reqd']],
  ['with TLS', 'pop3s', []],
] as const;

for (const [way, scheme, options] of ways)
  test(`curl ${way}`, { skip: programMissing('curl', 'curl') ?? false, ...limits }, async (t) => {
    const server = await startPop3(t, messages);
    const curl = async (path: string, ...more: string[]) => {
      const url = `${scheme}://localhost:${scheme === 'pop3' ? server.port : server.tlsPort}/${path}`;
      const common = ['--silent', '--show-error', '--user', 'u1:pass', '--cacert', server.authority];
      const { stdout } = await run('curl', [...common, ...options, ...more, url], { encoding: 'latin1' });
      return stdout;
    };
    assert.equal(await curl(''), '1 32\r\n2 30\r\n3 23\r\n');
    assert.match(await curl('', '--request', 'UIDL'), /^1 UID1-(\d+)\r\n2 UID2-\1\r\n3 UID3-\1\r\n$/);
    assert.equal(await curl('1'), messages[0]!.text.replaceAll('\n', '\r\n'));
    assert.equal(await curl('3'), 'Subject: three\r\n\r\nend\r\n');
    assert.equal(await curl('2', '--request', 'TOP 2 0'), 'Subject: two\r\n\r\n');
    await curl('2', '--request', 'DELE', '--head');
    assert.deepEqual(
      readdirSync(join(server.maildir, 'cur'))
        .map((name) => name.replace(/^.*_(\d)\.bench,S=\d+/, '$1'))
        .sort(),
      ['0:2,S', '2:2,S'],
    );
    // The answer takes its time.
    if (way === 'in clear') await assert.rejects(curl('', '--user', 'u1:wrong'), { code: 67 });
  });

const mpopTls = {
  'in clear': 'tls off',
  'with STLS': 'tls on\ntls_starttls on',
  'with TLS': 'tls on\ntls_starttls off',
} as const;

for (const [way, scheme] of ways)
  test(`mpop ${way} fetches with pipelining, keeps, and fetches nothing twice`, {
    skip: programMissing('mpop', 'mpop') ?? false,
    ...limits,
  }, async (t) => {
    const server = await startPop3(t, corpus);
    const folder = join(server.postrider.directory, 'mpop');
    for (const name of ['', 'box', 'box/cur', 'box/new', 'box/tmp']) mkdirSync(join(folder, name));
    const configuration = (keep: boolean) =>
      [
        'account default',
        'host localhost',
        `port ${scheme === 'pop3' ? server.port : server.tlsPort}`,
        'user u1',
        'password pass',
        `auth ${way === 'in clear' ? 'user' : 'plain'}`,
        mpopTls[way],
        `tls_trust_file ${server.authority}`,
        'pipelining on',
        `uidls_file ${folder}/uidls`,
        'received_header off',
        `keep ${keep ? 'on' : 'off'}`,
        `delivery maildir ${folder}/box`,
        '',
      ].join('\n');
    const mpop = async (keep: boolean) => {
      writeFileSync(join(folder, 'mpoprc'), configuration(keep), { mode: 0o600 });
      return run('mpop', ['--file', join(folder, 'mpoprc')], { env: { ...process.env, HOME: folder } });
    };
    await mpop(true);
    const fetched = readdirSync(join(folder, 'box/new')).map((name) =>
      readFileSync(join(folder, 'box/new', name), 'latin1'),
    );
    assert.deepEqual(fetched.toSorted(byText), corpus.map(({ text }) => text).toSorted(byText));
    await mpop(true);
    assert.equal(readdirSync(join(folder, 'box/new')).length, corpus.length);
    await mpop(false);
    assert.equal(readdirSync(join(folder, 'box/new')).length, corpus.length);
    assert.deepEqual(readdirSync(join(server.maildir, 'cur')), []);
  });

for (const [way, , options] of ways)
  test(`fetchmail ${way} fetches and deletes`, {
    skip: programMissing('fetchmail', 'fetchmail') ?? false,
    ...limits,
  }, async (t) => {
    const server = await startPop3(t, corpus);
    const { directory } = server.postrider;
    const box = join(directory, 'box');
    const rc = join(directory, 'fetchmailrc');
    const certificate = `sslcertck sslcertfile "${server.authority}"`;
    const how =
      way === 'in clear'
        ? `port ${server.port} username u1 password pass sslproto ''`
        : options.length > 0
          ? `port ${server.port} username u1 password pass sslproto 'TLS1.2+' ${certificate}`
          : `port ${server.tlsPort} username u1 password pass ssl ${certificate}`;
    writeFileSync(rc, `poll localhost protocol pop3 uidl ${how} fetchall mda "cat >>${box}"\n`, {
      mode: 0o600,
    });
    const environment = { ...process.env, HOME: directory, FETCHMAILHOME: directory };
    const { stdout } = await run('fetchmail', ['--fetchmailrc', rc, '--nosyslog'], { env: environment });
    assert.match(stdout, /^25 messages for u1 at localhost \(\d+ octets\)/m);
    const fetched = readFileSync(box, 'latin1');
    for (const { text } of corpus) {
      const id = /^Message-ID: (.*)$/m.exec(text)![1]!;
      assert.ok(fetched.includes(id), id);
    }
    assert.deepEqual(readdirSync(join(server.maildir, 'cur')), []);
  });

function byText(one: string, other: string): number {
  return one < other ? -1 : 1;
}
