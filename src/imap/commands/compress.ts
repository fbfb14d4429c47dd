import { command } from '../command.ts';
import { no, ok, syntaxError } from '../reply.ts';

/** COMPRESS: RFC 4978. The tagged reply is the last thing in clear; what the client sent behind it is compressed. */
export const compress = command({
  names: ['COMPRESS'],
  state: 'authenticated',
  parse: (args) => args.word(),
  run(session, _state, algorithm) {
    const { connection, settings, reader, writer } = session;
    if (!settings.compress || algorithm !== 'DEFLATE') return syntaxError('unknown compression');
    if (connection.compressed) return no('[COMPRESSIONACTIVE] DEFLATE is active already.');
    session.writeReply(ok('DEFLATE active.'));
    writer.flush();
    connection.compress(reader.input.takeAll());
    return undefined;
  },
});
