/** Maildirs for tests, by name; small, with fixed contents and times. */
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Message {
  /** `cur/a:2,S` */
  file: string;
  text: string;
  /** INTERNALDATE; default 2020-01-01 09:20:30 UTC. */
  seconds?: number;
}

interface Fixture {
  folders: Record<string, Message[]>;
}

const defaultSeconds = 1_577_870_430;

/** A plain message; its size depends on the arguments only. */
function plain(subject: string, more: { from?: string; header?: string; body?: string } = {}): string {
  const { from = 'Ann <ann@example.org>', header = '', body = `Body of ${subject}.\n` } = more;
  return `From: ${from}\nTo: bob@example.org\nSubject: ${subject}\nDate: Wed, 1 Jan 2020 10:00:00 +0100\nMessage-ID: <${subject.toLowerCase().replace(/\W/g, '')}@example.org>\n${header}\n${body}`;
}

const multipart = `From: Ann <ann@example.org>
To: bob@example.org
Subject: Parts
Date: Wed, 1 Jan 2020 10:00:00 +0100
Message-ID: <parts@example.org>
Mime-Version: 1.0
Content-Type: multipart/mixed; boundary="xx"

Preamble
--xx
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: quoted-printable

Gr=C3=BC=C3=9Fe
--xx
Content-Type: application/octet-stream; name="a.bin"
Content-Disposition: attachment; filename="a.bin"
Content-Transfer-Encoding: base64

AAECAw==
--xx--
`;

/** Messages with the structure, sizes and dates of the transcripts of smap §13. */
const nested = `Subject: Test MIME
 folded subject
Mime-Version: 1.0
Content-Type: multipart/mixed; boundary=aaa

--aaa
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

caf=E9=
  end

--aaa
Content-Type: message/rfc822

Mime-Version: 1.0
Subject: Attached
Content-Type: multipart/mixed; boundary=ccc

--ccc

inner text

--ccc--

--aaa--
`;

const smapSeconds = 1_060_128_000;

function numbered(count: number): Message[] {
  return Array.from({ length: count }, (_, i) => ({
    file: `cur/100${i + 1}.x.host:2,`,
    text: `Subject: msg ${i + 1}\n\nbody ${i + 1}\n`,
    seconds: smapSeconds + i + 1,
  }));
}

const fixtures: Record<string, Fixture> = {
  'smap-parts': {
    folders: {
      '': [
        { file: 'cur/1001.x.host:2,', text: nested, seconds: smapSeconds + 1 },
        { file: 'cur/1002.x.host:2,', text: 'Subject: two\n\n', seconds: smapSeconds + 2 },
        {
          file: 'cur/1003.x.host:2,',
          text: '.Dot: header\nSubject: three\n\n.\n.x\n',
          seconds: smapSeconds + 3,
        },
      ],
    },
  },
  'smap-five': { folders: { '': numbered(5), '.a': [] } },
  empty: { folders: { '': [] } },
  'two-messages': {
    folders: {
      '': [
        { file: 'cur/1000.a:2,S', text: plain('One') },
        { file: 'cur/1001.b:2,', text: plain('Two') },
      ],
      '.Sent': [],
    },
  },
  'five-messages': {
    folders: {
      '': [
        { file: 'cur/1000.a:2,S', text: plain('Apple'), seconds: defaultSeconds },
        { file: 'cur/1001.b:2,FS', text: plain('Cherry'), seconds: defaultSeconds + 86_400 },
        { file: 'cur/1002.c:2,', text: plain('Re: Apple', { header: 'In-Reply-To: <apple@example.org>\n' }) },
        { file: 'cur/1003.d:2,ST', text: plain('Banana', { from: 'Zoe <zoe@example.net>' }) },
        { file: 'new/1004.e', text: plain('Date', { body: 'A needle in a haystack.\n' }) },
      ],
      '.Sent': [],
      '.Work.Deep': [{ file: 'cur/1000.x:2,', text: plain('Deep') }],
      '.Trash': [],
    },
  },
  parts: { folders: { '': [{ file: 'cur/1000.a:2,', text: multipart }] } },
};

/** Makes a maildir of that name. @throws {Error} there is no such fixture */
export function makeMaildir(name: string, directory: string): void {
  const fixture = fixtures[name];
  if (fixture === undefined) throw new Error(`no maildir fixture ${name}`);
  for (const [folder, messages] of Object.entries(fixture.folders)) {
    const path = join(directory, folder);
    for (const part of ['cur', 'new', 'tmp']) mkdirSync(join(path, part), { recursive: true, mode: 0o700 });
    if (folder !== '') writeFileSync(join(path, 'maildirfolder'), '');
    for (const { file, text, seconds = defaultSeconds } of messages) {
      writeFileSync(join(path, file), text);
      utimesSync(join(path, file), seconds, seconds);
    }
  }
}
