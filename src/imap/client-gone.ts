/** The client has closed the connection, or is being sent away: a command that waits for it ends without a reply. */
export class ClientGone extends Error {
  constructor() {
    super('the client has gone');
    this.name = 'ClientGone';
  }
}
