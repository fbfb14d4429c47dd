/** What a submission is made of; `submit.ts` makes it. */

export interface OutboxSettings {
  /** SENDMAIL: the program's path. */
  readonly sendmail: string;
  /** OUTBOX_SMTP: host and port to use in place of the program; undefined: the program. */
  readonly smartHost: SmartHost | undefined;
  /** HEADERFROM: the field added in front with the sender; '' adds none. */
  readonly headerFrom: string;
  /** How long a submission may take. */
  readonly timeoutMs: number;
}

export interface SmartHost {
  readonly host: string;
  readonly port: number;
  /** TLS from the first octet; otherwise STARTTLS if the host offers it. */
  readonly secure: boolean;
}

/** A message to send, as it lies on disk: line ends are LF. */
export interface Submission {
  /** The envelope sender, and the value of HEADERFROM; '' for none. */
  readonly sender: string;
  /** Who sends, for the log. */
  readonly user: string;
  /** The message's octets; may be asked for once. */
  readonly octets: Iterable<Buffer>;
}

/** The message was not accepted for delivery; the message of the error says why, in words for the user. */
export class SubmissionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SubmissionError';
  }
}
