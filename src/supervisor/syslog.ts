import { escapeControls, type Log } from '../base/log.ts';
import type { UnixDatagram } from './unix-datagram.ts';

/** Facilities by name (RFC 3164 §4.1.1). */
const facilities: Readonly<Record<string, number>> = {
  kern: 0,
  user: 1,
  mail: 2,
  daemon: 3,
  auth: 4,
  lpr: 6,
  news: 7,
  uucp: 8,
  cron: 9,
  authpriv: 10,
  ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`local${i}`, 16 + i])),
};

const severities = { ERR: 3, WARN: 4, INFO: 6, DEBUG: 7 } as const;
type Level = keyof typeof severities;

/** Courier's logger cuts lines here (frontend-tls-ops §10). */
const maxTextOctets = 511;

/** Writes lines to the system's log under a name and facility per service, the level word as severity. */
export class Syslog {
  readonly #socket: Pick<UnixDatagram, 'send'>;
  readonly #facilities: ReadonlyMap<string, string>;
  readonly #clock: () => Date;
  #lost = 0;

  /** @param facilityOf  facility by the name lines are marked with; default `mail` */
  constructor(
    socket: Pick<UnixDatagram, 'send'>,
    facilityOf: ReadonlyMap<string, string>,
    clock = () => new Date(),
  ) {
    this.#socket = socket;
    this.#facilities = facilityOf;
    this.#clock = clock;
  }

  /** The log of one name (`imapd-ssl`). */
  named(name: string): Log {
    const line = (level: Level) => (text: string) => this.#write(name, level, escapeControls(text));
    return { error: line('ERR'), warn: line('WARN'), info: line('INFO'), debug: line('DEBUG') };
  }

  /** A line of a child process: `name<TAB>LEVEL: text`, or anything a program wrote to its standard error. */
  relay(line: string, defaultName: string): void {
    const [, name, rest] = /^([\w.-]+)\t(.*)$/.exec(line) ?? [undefined, defaultName, line];
    const [, level, text] = /^(ERR|WARN|INFO|DEBUG): (.*)$/.exec(rest!) ?? [undefined, 'INFO', rest!];
    this.#write(name!, level as Level, escapeControls(text!));
  }

  #write(name: string, level: Level, text: string): void {
    if (this.#lost > 0 && this.#send(name, 'WARN', `${this.#lost} log lines were lost`)) this.#lost = 0;
    if (!this.#send(name, level, text)) this.#lost++;
  }

  #send(name: string, level: Level, text: string): boolean {
    const facility = facilities[this.#facilities.get(name) ?? 'mail'] ?? facilities['mail']!;
    const octets = Buffer.from(text).subarray(0, maxTextOctets);
    const head = `<${facility * 8 + severities[level]}>${timestamp(this.#clock())} ${name}: `;
    return this.#socket.send(Buffer.concat([Buffer.from(head), octets]));
  }
}

/** `Nov  4 17:05:09`, local time. */
function timestamp(date: Date): string {
  const [, month, , , time] = date.toString().split(' ');
  return `${month} ${String(date.getDate()).padStart(2)} ${time}`;
}
