/** The numbers of the whole server: what the workers count, what sessions elsewhere did, and the processes. */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Metric, Sample } from '../metrics/exposition.ts';
import type { CertificateFiles } from '../tls/certificate-files.ts';
import { certificateEnds } from '../tls/expiry.ts';
import type { ToWorker } from './messages.ts';
import { addCounts, noCounts, type ServiceCounts } from './worker-counts.ts';

const answerMs = 1_000;

type CountsByService = Record<string, ServiceCounts>;

/** A process by what it does, e.g. `worker 1`. */
export interface NamedProcess {
  readonly name: string;
  readonly pid: number | undefined;
  readonly restarts: number;
}

/** What the supervisor knows at the moment. */
export interface ServerState {
  readonly workers: readonly ChildProcess[];
  readonly processes: readonly NamedProcess[];
  /** How many session hosts there are, and sessions in them. */
  readonly hosts: { readonly processes: number; readonly sessions: number };
  readonly certificates: CertificateFiles;
  readonly isServerCertificate: (path: string) => boolean;
}

export class ServerMetrics {
  readonly #waiting = new Map<number, (counts: CountsByService) => void>();
  readonly #last = new Map<ChildProcess, CountsByService>();
  /** Of workers that have ended, and of sessions that ran in hosts. */
  readonly #past: CountsByService = {};
  readonly #startedSeconds = Math.floor(Date.now() / 1000);
  #nextId = 1;

  /** A worker has answered. */
  counted(id: number, counts: CountsByService): void {
    this.#waiting.get(id)?.(counts);
    this.#waiting.delete(id);
  }

  /** A worker has ended; what it counted is kept, as far as it has told. */
  workerEnded(worker: ChildProcess): void {
    for (const [service, counts] of Object.entries(this.#last.get(worker) ?? {}))
      addCounts(this.#pastOf(service), { ...counts, open: 0 });
    this.#last.delete(worker);
  }

  /** A session in a host is over. */
  sessionEnded(service: string, receivedOctets: number, sentOctets: number): void {
    addCounts(this.#pastOf(service), { ...noCounts(), receivedOctets, sentOctets });
  }

  async collect(state: ServerState): Promise<Metric[]> {
    await Promise.all(state.workers.map((worker) => this.#ask(worker)));
    const services: CountsByService = structuredClone(this.#past);
    for (const counts of this.#last.values()) {
      for (const [service, more] of Object.entries(counts)) {
        services[service] ??= noCounts();
        addCounts(services[service], more);
      }
    }
    return [...serviceMetrics(services), ...this.#processMetrics(state), certificateMetric(state)];
  }

  /** A worker that does not answer in time counts as it did the last time. */
  async #ask(worker: ChildProcess): Promise<void> {
    const id = this.#nextId++;
    const answer = new Promise<CountsByService>((resolve) => {
      this.#waiting.set(id, resolve);
    });
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), answerMs);
    });
    worker.send({ type: 'count', id } satisfies ToWorker, undefined, {}, () => {});
    const counts = await Promise.race([answer, tooLate]);
    clearTimeout(timer);
    this.#waiting.delete(id);
    if (counts !== undefined && worker.connected) this.#last.set(worker, counts);
  }

  #pastOf(service: string): ServiceCounts {
    this.#past[service] ??= noCounts();
    return this.#past[service];
  }

  #processMetrics({ processes, hosts }: ServerState): Metric[] {
    const resident = processes.flatMap(({ name, pid }): Sample[] => {
      const value = pid === undefined ? undefined : residentOctets(pid);
      return value === undefined ? [] : [{ labels: { process: name }, value }];
    });
    return [
      gauge('postrider_start_time_seconds', 'When the server was started.', [
        { value: this.#startedSeconds },
      ]),
      gauge('postrider_process_resident_bytes', 'Memory of the processes.', resident),
      counter(
        'postrider_process_restarts_total',
        'Processes that ended unexpectedly and were started again.',
        processes.map(({ name, restarts }) => ({ labels: { process: name }, value: restarts })),
      ),
      gauge('postrider_session_hosts', 'Processes that run sessions of one uid each.', [
        { value: hosts.processes },
      ]),
      gauge('postrider_hosted_sessions', 'Sessions in them.', [{ value: hosts.sessions }]),
    ];
  }
}

function serviceMetrics(services: CountsByService): Metric[] {
  const each = (samples: (counts: ServiceCounts, service: string) => Sample[]) =>
    Object.entries(services).flatMap(([service, counts]) => samples(counts, service));
  const one = (value: (counts: ServiceCounts) => number) =>
    each((counts, service) => [{ labels: { service }, value: value(counts) }]);
  const byWord = (label: string, numbers: (counts: ServiceCounts) => object) =>
    each((counts, service) =>
      Object.entries(numbers(counts)).map(([word, value]) => ({
        labels: { service, [label]: word },
        value: value as number,
      })),
    );
  return [
    counter(
      'postrider_connections_total',
      'Connections accepted.',
      one(({ accepted }) => accepted),
    ),
    gauge(
      'postrider_connections',
      'Connections being served.',
      one(({ open }) => open),
    ),
    counter(
      'postrider_connections_refused_total',
      'Connections not served, and why.',
      byWord('reason', ({ refused }) => refused),
    ),
    counter(
      'postrider_logins_total',
      'Logins by their result.',
      byWord('result', ({ logins }) => logins),
    ),
    counter(
      'postrider_received_bytes_total',
      'Octets received from clients, after decryption.',
      one(({ receivedOctets }) => receivedOctets),
    ),
    counter(
      'postrider_sent_bytes_total',
      'Octets sent to clients, before encryption.',
      one(({ sentOctets }) => sentOctets),
    ),
  ];
}

function certificateMetric({ certificates, isServerCertificate }: ServerState): Metric {
  const samples = certificateEnds(certificates, isServerCertificate).map(([file, endsMs]) => ({
    labels: { file },
    value: Math.floor((endsMs - Date.now()) / 1000),
  }));
  return gauge(
    'postrider_certificate_expires_in_seconds',
    'How long certificates are valid; negative: they have expired.',
    samples,
  );
}

function counter(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, kind: 'counter', help, samples };
}

function gauge(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, kind: 'gauge', help, samples };
}

/** undefined: the process has gone. */
function residentOctets(pid: number): number | undefined {
  try {
    const [, kilobytes] = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}
