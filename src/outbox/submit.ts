/** Hands a message to be sent: to a sendmail program as Courier calls it, or to an SMTP smart host. */
import type { Log } from '../base/log.ts';
import { sendmail } from './sendmail.ts';
import { smtp } from './smtp.ts';
import { type OutboxSettings, type Submission, SubmissionError, type Submitted } from './submission.ts';

/**
 * Resolves when the message has been accepted for delivery.
 * @throws {SubmissionError} it was not; the reason has been logged
 */
export async function submit(submission: Submission, settings: OutboxSettings, log: Log): Promise<Submitted> {
  const { smartHost, timeoutMs } = settings;
  try {
    if (!smartHost) {
      const environment = { ...settings.environment, ...submission.environment };
      await sendmail(settings.sendmail, { ...submission, environment }, timeoutMs);
      return { refused: [] };
    }
    const submitted = await smtp(smartHost, submission, timeoutMs);
    for (const refusal of submitted.refused)
      log.warn(`recipient refused by ${smartHost.host}, user=${submission.user}: ${refusal}`);
    return submitted;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log.error(`error sending a message, user=${submission.user}: ${reason}`);
    throw error instanceof SubmissionError ? error : new SubmissionError(reason, { cause: error });
  }
}
