import assert from 'node:assert/strict';
import { chmodSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { contractAccounts, describeModule, moduleContext } from '../../../test/support/auth-contract.ts';
import { privateFolder, removeFolder } from '../../../test/support/private-server.ts';
import { AuthError } from '../auth-error.ts';
import { createPipeModule } from './pipe.ts';

/** A program in Perl, because every Debian has it; it speaks the protocol and keeps the passwords in memory. */
function program(): string {
  const { hashed, clear } = contractAccounts;
  return `#!/usr/bin/perl
use Digest::MD5 qw(md5); use MIME::Base64; $| = 1;
my %password = ('${hashed.id}' => 'secret', '${clear.id}' => '${clear.clear}');
my %reply = ('${hashed.id}' => "UID=${hashed.uid}\\nGID=${hashed.gid}\\nHOME=${hashed.home}\\nADDRESS=${hashed.id.replace('@', '\\@')}\\nNAME=${hashed.name}\\nMAILDIR=${hashed.maildir}\\nQUOTA=${hashed.quota}\\nOPTIONS=${hashed.options}\\n.\\n",
  '${clear.id}' => "UID=${clear.uid}\\nGID=${clear.gid}\\nHOME=${clear.home}\\nADDRESS=${clear.id.replace('@', '\\@')}\\n.\\n");
sub hmac { my ($k, $t) = @_; $k .= "\\0" x (64 - length $k);
  return unpack 'H*', md5(($k ^ ("\\x5c" x 64)) . md5(($k ^ ("\\x36" x 64)) . $t)); }
while (my $line = <STDIN>) {
  if ($line =~ /^PRE \\. \\S+ (.*)\\n/) { print $reply{$1} // "FAIL\\n"; }
  elsif ($line =~ /^AUTH (\\d+)\\n/) {
    read STDIN, my $data, $1;
    my ($service, $type, $a, $b) = split /\\n/, $data;
    my ($id, $good) = ($a, 0);
    if ($type eq 'login') { $good = defined $password{$a} && $password{$a} eq $b; }
    else { my $answer = decode_base64($b); ($id, my $digest) = $answer =~ /^(.*) (\\S+)$/;
      $good = $id eq '${clear.id}' && hmac($password{$id}, decode_base64($a)) eq $digest; }
    if ($id eq 'crash') { exit 1; }
    print $good ? $reply{$id} : "FAIL\\n";
  }
  elsif ($line =~ /^PASSWD (\\S*)\\t(.*)\\t(.*)\\t(.*)\\n/) {
    if (($password{$2} // '') eq $3) { $password{$2} = $4; print "OK\\n"; } else { print "FAIL\\n"; }
  }
  else { print ".\\n"; }
}
`;
}

describeModule(
  'authpipe',
  { clear: true, enumerate: false, changePassword: true, outage: true },
  async () => {
    const folder = privateFolder('authpipe');
    const path = join(folder, 'authProg');
    writeFileSync(path, program(), { mode: 0o755 });
    const module = createPipeModule({ program: path, concurrency: 1, endMs: [100, 100] }, moduleContext());
    return {
      module,
      async stop() {
        // The kept program has to go too: the next request finds it ended.
        await assert.rejects(module.login({ service: 'imap', userId: 'crash', password: 'x' }), AuthError);
        renameSync(path, `${path}.away`);
      },
      start: async () => renameSync(`${path}.away`, path),
      cleanUp: async () => removeFolder(folder),
    };
  },
);

const programs: [string, string, number][] = [
  ['ends without an answer', '#!/bin/sh\nread line\nexit 0\n', 5000],
  ['does not answer in time', '#!/bin/sh\nexec sleep 60\n', 100],
  [
    'answers more than 8191 octets',
    '#!/bin/sh\nread line\nhead -c 9000 /dev/zero | tr "\\000" x\nsleep 60\n',
    5000,
  ],
  [
    'answers without HOME',
    '#!/bin/sh\nread line\nprintf "ADDRESS=fred\\nUID=1\\nGID=1\\n.\\n"\nsleep 60\n',
    5000,
  ],
];
for (const [name, text, replyTimeoutMs] of programs) {
  test(`a program that ${name} is a temporary failure`, async () => {
    const folder = privateFolder('authpipe');
    const path = join(folder, 'authProg');
    writeFileSync(path, text);
    chmodSync(path, 0o755);
    const settings = { program: path, concurrency: 1, replyTimeoutMs, endMs: [10, 1000] } as const;
    const module = createPipeModule(settings, moduleContext());
    await assert.rejects(
      module.lookup('fred', 'imap'),
      (error: unknown) => error instanceof AuthError && error.kind === 'temporary',
    );
    await module.close();
    removeFolder(folder);
  });
}
