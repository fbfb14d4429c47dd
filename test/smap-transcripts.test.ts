import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ImapSessionSettings } from '../src/imap/settings.ts';
import { loginForTests } from './support/login-for-tests.ts';
import { makeMaildir } from './support/maildir-fixtures.ts';
import { InProcessSmapClient } from './support/smap-client.ts';
import { parseTranscript, runTranscript } from './support/transcript.ts';

const directory = join(import.meta.dirname, 'transcripts/smap');

for (const file of readdirSync(directory).filter((name) => name.endsWith('.txt')))
  for (const delivery of ['whole', 'octets'] as const)
    test(`smap transcript ${file}, ${delivery}`, async (context) => {
      const maildir = mkdtempSync(join(tmpdir(), 'postrider-transcript-'));
      context.after(() => rmSync(maildir, { recursive: true, force: true }));
      const transcript = parseTranscript(readFileSync(join(directory, file), 'utf8'));
      makeMaildir(transcript.maildir, maildir);
      const imap = transcript.settings as Partial<ImapSessionSettings>;
      const login = transcript.start === 'login' ? { login: loginForTests() } : {};
      await runTranscript(
        transcript,
        maildir,
        delivery,
        () => new InProcessSmapClient(maildir, { imap, ...login }),
      );
    });
