/** What a client sent does not follow the grammar; the session answers BAD with the message. */
export class SyntaxRefusal extends Error {
  /** Offset in the command's octets, its tag included. */
  readonly position: number;

  constructor(message: string, position: number) {
    super(message);
    this.name = 'SyntaxRefusal';
    this.position = position;
  }
}
