import type { Reply } from './reply.ts';

/** A command that cannot be done ends with this tagged reply; thrown where it is found out. */
export class Refused extends Error {
  readonly reply: Reply;

  constructor(reply: Reply) {
    super(reply.text);
    this.name = 'Refused';
    this.reply = reply;
  }
}
