import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Pop3SessionSettings } from '../src/pop3/settings.ts';
import { loginForTests } from './support/login-for-tests.ts';
import { makeMaildir } from './support/maildir-fixtures.ts';
import { InProcessPop3Client } from './support/pop3-client.ts';
import { parseTranscript, runTranscript } from './support/transcript.ts';

const directory = join(import.meta.dirname, 'transcripts/pop3');

for (const file of readdirSync(directory).filter((name) => name.endsWith('.txt')))
  for (const delivery of ['whole', 'octets'] as const)
    test(`pop3 transcript ${file}, ${delivery}`, async (context) => {
      const maildir = mkdtempSync(join(tmpdir(), 'postrider-transcript-'));
      context.after(() => rmSync(maildir, { recursive: true, force: true }));
      const transcript = parseTranscript(readFileSync(join(directory, file), 'utf8'));
      makeMaildir(transcript.maildir, maildir);
      const pop3 = transcript.settings as Partial<Pop3SessionSettings>;
      const login = transcript.start === 'login' ? { login: loginForTests() } : {};
      await runTranscript(
        transcript,
        maildir,
        delivery,
        () => new InProcessPop3Client(maildir, { pop3, ...login }),
      );
    });
