/**
 * A client in a process of its own, so that what it has to read does not delay those who are measured:
 * `busy-client.ts PORT COMMAND`. Says `ready` with INBOX of u1 selected; runs the command for each message it gets, and
 * says `done`.
 */
import { ImapClient } from './imap-client.ts';

const [port, command] = process.argv.slice(2);
const client = await ImapClient.connect(Number(port));
await client.run('LOGIN u1 pass');
await client.run('SELECT INBOX');
process.on('message', async () => {
  await client.run(command!);
  process.send!('done');
});
process.send!('ready');
