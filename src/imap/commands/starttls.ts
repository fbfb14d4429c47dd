import { command } from '../command.ts';
import { ok, syntaxError } from '../reply.ts';

/** STARTTLS: RFC 9051 §6.2.1; what came behind it in clear is thrown away. */
export const starttls = command({
  names: ['STARTTLS'],
  state: 'notAuthenticated',
  parse: () => undefined,
  async run(session) {
    const { connection, services, reader, writer } = session;
    if (!services.login?.canStartTls(connection)) return syntaxError('STARTTLS is not offered');
    session.writeReply(ok('Begin SSL/TLS negotiation now.'));
    writer.flush();
    reader.input.clear();
    try {
      await connection.startTls();
    } catch (error) {
      services.log.debug(`STARTTLS failed: ${error instanceof Error ? error.message : String(error)}`);
      session.end('disconnected');
    }
    reader.input.clear();
    return undefined;
  },
});
