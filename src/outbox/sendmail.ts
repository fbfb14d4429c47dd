import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SubmissionError } from './submission.ts';

/** How long after the program's end its output is waited for. */
const lastWordsMs = 500;

/** Octets of the program's output that are kept for the log (imap-server §14). */
const outputOctets = 511;

/**
 * Runs `PROGRAM -oi -t -f SENDER` with the message on its input; the program finds the recipients in the header
 * and removes Bcc. No shell; `-f` is left out without a sender.
 */
export async function sendmail(
  program: string,
  sender: string,
  octets: Iterable<Buffer>,
  timeoutMs: number,
): Promise<void> {
  const args = sender === '' ? ['-oi', '-t'] : ['-oi', '-t', '-f', sender];
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: timeoutMs });
  let output = '';
  const collect = (chunk: Buffer) => {
    output = (output + chunk.toString('latin1')).slice(0, outputOctets);
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal }));
    child.on('exit', (code, signal) => {
      child.stdin.destroy();
      // A process the mailer leaves behind may hold its output open for ever: its last words must come soon.
      setTimeout(() => resolve({ code, signal }), lastWordsMs);
    });
  });
  // A program that stops reading is judged by its exit status, not by the broken pipe.
  const [{ code, signal }] = await Promise.all([
    ended,
    pipeline(Readable.from(octets), child.stdin).catch(() => {}),
  ]);
  child.stdout.destroy();
  child.stderr.destroy();
  if (code === 0) return;
  const said = output.trim().replace(/[\x00-\x1f\x7f]/g, '/');
  const how = signal === null ? `${program} ended with status ${code}` : `${program} was ended by ${signal}`;
  throw new SubmissionError(said === '' ? how : said);
}
