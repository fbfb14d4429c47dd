/** Passes octets between a client and a back end, as they are, until either is gone. */
import type { Duplex } from 'node:stream';
import type { Intake } from './intake.ts';

/** How long one side may go on after the other has ended. */
const lingerMs = 30_000;
/** How long one side may refuse to take what it is sent. */
const stallMs = 300_000;

export interface Relay {
  /** Sends octets that did not come through the relay. */
  toClient(octets: Buffer): void;
  toBackend(octets: Buffer): void;
  destroy(): void;
}

/** Times at which the session is over; they all end with it. */
interface Timers {
  destroyAfter(ms: number): NodeJS.Timeout | undefined;
  cancel(timer: NodeJS.Timeout | undefined): void;
}

/**
 * Starts; the streams belong to the relay from now on, and nobody else listens to them.
 * @param intake  what receives the back end's octets, if the stream does not
 * @param count  told of octets read from the client and written to it
 * @param ended  told once, when both streams are closed or about to be
 */
export function startRelay(
  client: Duplex,
  backend: Duplex,
  intake: Intake | undefined,
  count: (read: number, written: number) => void,
  ended: () => void,
): Relay {
  let isOver = false;
  const timers = new Set<NodeJS.Timeout>();
  const destroy = () => {
    client.destroy();
    backend.destroy();
    for (const timer of timers) clearTimeout(timer);
    if (isOver) return;
    isOver = true;
    ended();
  };
  const timing: Timers = {
    destroyAfter(ms) {
      if (isOver) return undefined;
      const timer = setTimeout(destroy, ms);
      timers.add(timer);
      return timer;
    },
    cancel(timer) {
      if (timer === undefined) return;
      clearTimeout(timer);
      timers.delete(timer);
    },
  };
  const toClient = (octets: number) => count(0, octets);
  passChunks(client, backend, timing, (octets) => count(octets, 0));
  if (intake) passIntake(backend, intake, client, timing, toClient);
  else passChunks(backend, client, timing, toClient);
  passEnd(client, backend, destroy, timing);
  passEnd(backend, client, destroy, timing);
  // One that has closed already will not say so again.
  if (client.destroyed || backend.destroyed) destroy();
  return {
    toClient(octets) {
      count(0, octets.length);
      client.write(octets);
    },
    toBackend(octets) {
      if (octets.length > 0) backend.write(octets);
    },
    destroy,
  };
}

function passChunks(
  from: Duplex,
  to: Duplex,
  { destroyAfter, cancel }: Timers,
  count: (octets: number) => void,
): void {
  let stalled: NodeJS.Timeout | undefined;
  from.on('data', (chunk: Buffer) => {
    count(chunk.length);
    if (to.write(chunk)) return;
    from.pause();
    stalled ??= destroyAfter(stallMs);
  });
  to.on('drain', () => {
    cancel(stalled);
    stalled = undefined;
    from.resume();
  });
}

/** The same out of memory that is used again, as soon as the kernel has taken what is in it. */
function passIntake(
  from: Duplex,
  intake: Intake,
  to: Duplex,
  { destroyAfter, cancel }: Timers,
  count: (octets: number) => void,
): void {
  let stalled: NodeJS.Timeout | undefined;
  const goOn = () => {
    cancel(stalled);
    intake.release();
    from.resume();
  };
  intake.receive = (octets) => {
    count(octets.length);
    to.write(octets);
    if (to.writableLength === 0) return true;
    to.write('', goOn);
    stalled = destroyAfter(stallMs);
    return false;
  };
  from.resume();
}

function passEnd(from: Duplex, to: Duplex, destroy: () => void, { destroyAfter }: Timers): void {
  const ended = () => {
    destroyAfter(stallMs);
    // What is on its way still arrives, and then the other side has some time for its last words.
    to.end(() => destroyAfter(lingerMs));
  };
  if (from.readableEnded) setImmediate(ended);
  else from.on('end', ended);
  from.on('error', destroy);
  from.on('close', () => {
    if (to.writableFinished || to.destroyed) destroy();
    else to.end(destroy);
  });
}
