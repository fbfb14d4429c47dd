import { MailError } from '../../base/mail-error.ts';
import { splitWords } from '../framing.ts';
import { Refused } from '../refused.ts';
import type { OpenFolder, SmapSession } from '../session.ts';
import { tellChanges } from '../updates.ts';

/** IDLE … RESUME (smap §5.4): changes are told when they happen. */
export async function idle(session: SmapSession): Promise<string> {
  const { open, output, link, settings } = session;
  output.line(open ? '+OK Entering ENHANCED idle mode' : '+OK Entering idle mode...');
  const pushing = open && new Pushing(session, open);
  try {
    const line = await link.line(settings.limits.inactivityMs);
    const [word = ''] = splitWords(line.octets.toString('latin1'));
    if (line.kind !== 'line' || word.toUpperCase() !== 'RESUME')
      throw new Refused('RESUME is required to follow IDLE');
    return 'Resumed...';
  } finally {
    await pushing?.stop();
  }
}

/** Tells changes at once, and from now on, one after the other. */
class Pushing {
  readonly #session: SmapSession;
  readonly #open: OpenFolder;
  readonly #unsubscribe: () => void;
  readonly #polling: NodeJS.Timeout;
  #telling: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  constructor(session: SmapSession, open: OpenFolder) {
    this.#session = session;
    this.#open = open;
    const { folder } = open.view;
    this.#unsubscribe = folder.onChange(() => this.#tell());
    this.#polling = setInterval(() => folder.isDirty() && this.#tell(), session.settings.idlePollMs);
    this.#tell();
  }

  /** Resolves when nothing more is told. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#polling);
    this.#unsubscribe();
    await this.#telling;
  }

  #tell(): void {
    this.#again = true;
    this.#telling ??= this.#tellAll().finally(() => {
      this.#telling = undefined;
    });
  }

  async #tellAll(): Promise<void> {
    const session = this.#session;
    try {
      while (this.#again && !this.#stopped && !session.ended) {
        this.#again = false;
        await tellChanges(session, this.#open);
        await session.output.drained();
      }
    } catch (error) {
      if (!(error instanceof MailError))
        session.services.log.error(`smap IDLE: ${error instanceof Error ? error.stack : String(error)}`);
      session.finish('disconnected', '* BYE The folder cannot be read any more.\r\n');
    }
  }
}
