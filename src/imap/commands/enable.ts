import { command } from '../command.ts';
import { ok } from '../reply.ts';

/** ENABLE: RFC 5161; UTF8=ACCEPT: RFC 6855 §3. Unknown words are passed over. */
export const enable = command({
  names: ['ENABLE'],
  state: 'authenticated',
  parse(args) {
    const words: string[] = [];
    while (!args.atEnd) words.push(args.word());
    return words;
  },
  run(session, _state, words) {
    if (words.includes('UTF8=ACCEPT')) session.utf8 = true;
    session.writer.line(session.utf8 ? '* ENABLED UTF8=ACCEPT' : '* ENABLED');
    return ok('Options enabled');
  },
});
