/** What a submission is made of; `submit.ts` makes it. */

export interface OutboxSettings {
  /** SENDMAIL: the program's path. */
  readonly sendmail: string;
  /** OUTBOX_SMTP: the host to use in place of the program; undefined: the program. */
  readonly smartHost: SmartHost | undefined;
  /** HEADERFROM: the field added in front with the sender; '' adds none. */
  readonly headerFrom: string;
  /** AUTHADDR, where a login program says another sender than the account; '' for none. */
  readonly sender?: string;
  /** The settings, for the sendmail program. */
  readonly environment?: Readonly<Record<string, string>>;
  /** OUTBOX_MULTIPLE_SEND: one command may send several messages. */
  readonly multipleSend: boolean;
  /** OUTBOX_TIMEOUT: how long a submission may take. */
  readonly timeoutMs: number;
}

export interface SmartHost {
  readonly host: string;
  readonly port: number;
  /** TLS from the first octet, with a certificate that is checked; otherwise STARTTLS if the host offers it. */
  readonly secure: boolean;
}

/** A message to send, as it lies on disk: line ends are LF. */
export interface Submission {
  /** The envelope sender; '' for none. */
  readonly sender: string;
  /** Whom it goes to; undefined: those its header names. */
  readonly recipients?: readonly string[];
  /** When the sender wants to be told (RFC 3461): `success,delay,fail` or `never`; undefined: as the mailer does. */
  readonly notify?: string | undefined;
  /** Who sends, for the log. */
  readonly user: string;
  /** An open file with the whole message, HEADERFROM's field included; its position is at the beginning. */
  readonly descriptor: number;
  /** Variables the sendmail program gets beside PATH and the settings. */
  readonly environment: Readonly<Record<string, string>>;
}

/** What became of a message that was accepted. */
export interface Submitted {
  /** Recipients the smart host refused while it took the message for others: `bob@example.com: why`. */
  readonly refused: readonly string[];
}

/** The message was not accepted for delivery; the message of the error says why, in words for the user. */
export class SubmissionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SubmissionError';
  }
}
