/** Certificates and keys of all services: read here, where that is allowed, and given to the workers. */
import { randomBytes } from 'node:crypto';
import type { Log } from '../base/log.ts';
import { type CertificateFiles, certificateStamp, readCertificateFiles } from '../tls/certificate-files.ts';
import { expiryWarnings } from '../tls/expiry.ts';
import type { TlsSettings } from '../tls/settings.ts';
import type { TlsMaterial } from '../tls/tls-side.ts';

const checkMs = 1_000;
const dayMs = 86_400_000;
/** Whoever gets hold of these keys can read the connections that began with them. */
const ticketKeyMs = dayMs / 2;

export class Certificates {
  readonly #settings: () => readonly TlsSettings[];
  readonly #changed: (material: TlsMaterial) => void;
  readonly #log: Log;
  readonly #timers: NodeJS.Timeout[] = [];
  #material: TlsMaterial = { files: new Map(), ticketKeys: randomBytes(48) };
  #stamp = '';

  /** @param changed  told when the workers need others */
  constructor(settings: () => readonly TlsSettings[], changed: (material: TlsMaterial) => void, log: Log) {
    this.#settings = settings;
    this.#changed = changed;
    this.#log = log;
  }

  get material(): TlsMaterial {
    return this.#material;
  }

  get files(): CertificateFiles {
    return this.#material.files;
  }

  /** Reads them, and from now on again whenever a file changes. */
  start(): void {
    this.read();
    this.#timers.push(
      setInterval(() => this.#check(), checkMs),
      setInterval(() => this.#warn(), dayMs),
      setInterval(() => this.#renewTicketKeys(), ticketKeyMs),
    );
  }

  stop(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }

  /** Reads what the settings name now. */
  read(): void {
    const settings = this.#settings();
    this.#stamp = certificateStamp(settings);
    this.#give({ files: readCertificateFiles(settings), ticketKeys: this.#material.ticketKeys });
    this.#warn();
  }

  /** Whether a file holds certificates of the server's own, not of authorities. */
  isServerFile(path: string): boolean {
    return this.#settings().some(({ certFile }) => path === certFile || path.startsWith(`${certFile}.`));
  }

  #check(): void {
    if (certificateStamp(this.#settings()) !== this.#stamp) this.read();
  }

  #renewTicketKeys(): void {
    this.#give({ files: this.files, ticketKeys: randomBytes(48) });
  }

  #give(material: TlsMaterial): void {
    this.#material = material;
    this.#changed(material);
  }

  #warn(): void {
    const isOwn = (path: string) => this.isServerFile(path);
    for (const warning of expiryWarnings(this.files, isOwn, Date.now())) this.#log.warn(warning);
  }
}
