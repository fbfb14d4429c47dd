import { type ChildProcess, spawn } from 'node:child_process';
import { type Submission, SubmissionError } from './submission.ts';

/** How long after the program's end its output is waited for. */
const lastWordsMs = 500;

/** How long after SIGTERM a program that goes on is killed. */
const killAfterMs = 2000;

/** Octets of the program's output that are kept for the log (imap-server §14). */
const outputOctets = 511;

const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

interface Ending {
  readonly code: number | null;
  readonly signal: string | null;
}

/**
 * Runs `PROGRAM -oi -t -f SENDER` with the message on its input; the program finds the recipients in the header
 * and removes Bcc. No shell; `-f` is left out without a sender. With recipients it is `PROGRAM -oi -f SENDER
 * -N success,fail RECIPIENT…`; none of them begins with a dash. Its input is the file, not a pipe: if this process
 * dies the program still reads the whole message, and does not send a piece of it.
 */
export async function sendmail(program: string, submission: Submission, timeoutMs: number): Promise<void> {
  const { descriptor, environment } = submission;
  const args = argumentsOf(submission);
  const child = spawn(program, args, {
    stdio: [descriptor, 'pipe', 'pipe'],
    env: { PATH: searchPath, ...environment },
    // A process group of its own, to end it with all it has started.
    detached: true,
  });
  let output = '';
  const collect = (chunk: Buffer) => {
    output = (output + chunk.toString('latin1')).slice(0, outputOctets);
  };
  const outputs = [child.stdout!, child.stderr!];
  for (const each of outputs) each.on('data', collect);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    end(child);
  }, timeoutMs);
  const { code, signal } = await ending(child).finally(() => clearTimeout(timer));
  for (const each of outputs) each.destroy();
  if (late)
    throw new SubmissionError(
      `The mail program did not end within ${timeoutMs / 1000} seconds. The message may have been sent or not.`,
    );
  if (code === 0) return;
  const said = output.trim().replace(/[\x00-\x1f\x7f]/g, '/');
  const how = signal === null ? `${program} ended with status ${code}` : `${program} was ended by ${signal}`;
  throw new SubmissionError(said === '' ? how : said);
}

function argumentsOf({ sender, recipients, notify }: Submission): string[] {
  if (recipients === undefined) return sender === '' ? ['-oi', '-t'] : ['-oi', '-t', '-f', sender];
  return ['-oi', '-f', sender, ...(notify === undefined ? [] : ['-N', notify]), ...recipients];
}

function ending(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal }));
    // A process the mailer leaves behind may hold its output open for ever: its last words must come soon.
    child.on('exit', (code, signal) => setTimeout(() => resolve({ code, signal }), lastWordsMs).unref());
  });
}

/** Ends the program and what it has started. */
function end(child: ChildProcess): void {
  const signal = (name: 'SIGTERM' | 'SIGKILL') => {
    try {
      process.kill(-child.pid!, name);
    } catch {
      // They have ended.
    }
  };
  signal('SIGTERM');
  setTimeout(() => signal('SIGKILL'), killAfterMs).unref();
}
