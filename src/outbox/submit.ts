/** Hands a message to be sent: to a sendmail program as Courier calls it, or to an SMTP smart host. */
import type { Log } from '../base/log.ts';
import { sendmail } from './sendmail.ts';
import { smtp } from './smtp.ts';
import { type OutboxSettings, type Submission, SubmissionError } from './submission.ts';

/**
 * Resolves when the message has been accepted for delivery.
 * @throws {SubmissionError} it was not; the reason has been logged
 */
export async function submit(submission: Submission, settings: OutboxSettings, log: Log): Promise<void> {
  const octets = withSenderField(submission, settings.headerFrom);
  try {
    if (settings.smartHost)
      await smtp(settings.smartHost, submission.sender, octets, settings.timeoutMs, log);
    else await sendmail(settings.sendmail, submission.sender, octets, settings.timeoutMs);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log.error(`error sending a message, user=${submission.user}: ${reason}`);
    throw error instanceof SubmissionError ? error : new SubmissionError(reason, { cause: error });
  }
}

function* withSenderField({ sender, octets }: Submission, headerFrom: string): Generator<Buffer> {
  if (headerFrom !== '') yield Buffer.from(`${headerFrom}: ${sender}\n`);
  yield* octets;
}
