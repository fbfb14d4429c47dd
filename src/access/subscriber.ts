/** SUBSCRIBE and UNSUBSCRIBE, for one who has logged in. */
import { MailError } from '../base/mail-error.ts';
import { checkNewName } from '../store/names.ts';
import { isSharableName, type Targets } from './targets.ts';

export class Subscriber {
  readonly #targets: Targets;
  readonly #astralNames: boolean;

  /** @param astralNames  see MailboxesSettings */
  constructor(targets: Targets, astralNames: boolean) {
    this.#targets = targets;
    this.#astralNames = astralNames;
  }

  /** Whether the folder exists is not looked at. @returns false if it was subscribed already */
  async subscribe(name: string): Promise<boolean> {
    const canonical = this.#targets.canonical(name);
    if (isSharableName(canonical)) return this.#subscribeSharable(canonical);
    // A name that only another program could have made may be subscribed as long as it fits on a line of the file.
    if (/\p{Cc}/u.test(canonical) || !this.#isFolder(name)) checkNewName(canonical, this.#astralNames);
    return this.#targets.account.subscribe(this.#subscription(name));
  }

  /** @returns false if it was not subscribed */
  async unsubscribe(name: string): Promise<boolean> {
    const target = isSharableName(name) ? this.#targets.find(name) : undefined;
    if (target) return target.sharable ? this.#targets.sharables.unsubscribe(target.sharable) : false;
    const isDone = await this.#targets.account.unsubscribe(this.#subscription(name));
    return (await this.#targets.account.unsubscribe(this.#targets.canonical(name))) || isDone;
  }

  #isFolder(name: string): boolean {
    try {
      return this.#targets.exists(this.#targets.find(name));
    } catch (error) {
      if (!(error instanceof MailError)) throw error;
      return false;
    }
  }

  /** The name that goes into the file: an account's own spelling if there is one. */
  #subscription(name: string): string {
    try {
      return this.#targets.find(name).name;
    } catch (error) {
      if (!(error instanceof MailError) || error.kind !== 'notFound') throw error;
      return this.#targets.canonical(name);
    }
  }

  async #subscribeSharable(name: string): Promise<boolean> {
    const target = this.#targets.find(name);
    if (target.sharable) return this.#targets.sharables.subscribe(target.sharable);
    if (this.#targets.rights(target) === '') throw new MailError('cannot', 'there is no such maildir');
    return false;
  }
}
