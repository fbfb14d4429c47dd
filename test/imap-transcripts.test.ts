import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ImapSessionSettings } from '../src/imap/settings.ts';
import { InProcessClient } from './support/imap-client.ts';
import { loginForTests } from './support/login-for-tests.ts';
import { makeMaildir } from './support/maildir-fixtures.ts';
import { parseTranscript, runTranscript } from './support/transcript.ts';

const directory = join(import.meta.dirname, 'transcripts/imap');

for (const file of readdirSync(directory).filter((name) => name.endsWith('.txt'))) {
  for (const delivery of ['whole', 'octets'] as const) {
    test(`imap transcript ${file}, ${delivery}`, async (context) => {
      const maildir = mkdtempSync(join(tmpdir(), 'postrider-transcript-'));
      context.after(() => rmSync(maildir, { recursive: true, force: true }));
      const transcript = parseTranscript(readFileSync(join(directory, file), 'utf8'));
      mkdirSync(maildir, { recursive: true });
      makeMaildir(transcript.maildir, maildir);
      const imap = transcript.settings as Partial<ImapSessionSettings>;
      const mailboxes = { moveExpungeToTrash: imap.moveExpungeToTrash ?? false };
      const login = transcript.start === 'login' ? { login: loginForTests() } : {};
      await runTranscript(
        transcript,
        maildir,
        delivery,
        () => new InProcessClient(maildir, { imap, mailboxes, ...login }),
      );
    });
  }
}
