import type { MailErrorKind } from '../base/mail-error.ts';
import type { ArgumentReader } from './parser/arguments.ts';
import type { Reply } from './reply.ts';
import type { ImapSession } from './session-loop.ts';
import type { Authenticated, NotAuthenticated, Selected, SessionState } from './state.ts';

/** The states a command may be given in; `authenticated` includes selected. */
export interface StateOf {
  any: SessionState;
  notAuthenticated: NotAuthenticated;
  authenticated: Authenticated | Selected;
  selected: Selected;
}

/** How a command addresses messages: `UID FETCH` by UID, `FETCH` by sequence number. */
export type NumberedBy = 'sequence' | 'uid';

export interface CommandDefinition<N extends keyof StateOf, A> {
  /** Upper case; `UID COPY` is a name of its own. */
  readonly names: readonly string[];
  readonly state: N;
  /** Tell other sessions' changes before the tagged reply; without it they wait (imap-server §12.3). */
  readonly changes?: 'send';
  /** Texts for errors where errors.ts does not fit. */
  readonly refuse?: Partial<Record<MailErrorKind, string>>;
  /** Started when its first literal is announced, to take the octets as they come. */
  readonly streams?: true;
  /** Reads the arguments. @throws {SyntaxRefusal} */
  parse(args: ArgumentReader, by: NumberedBy, session: ImapSession): A;
  /** @returns the tagged reply; undefined: there is none */
  run(session: ImapSession, state: StateOf[N], args: A): Reply | undefined | Promise<Reply | undefined>;
}

/** A command as the loop sees it. */
export interface Command {
  readonly names: readonly string[];
  /** The command's name in "Access denied for …". */
  readonly label: string;
  readonly state: keyof StateOf;
  readonly changes: 'send' | 'hold';
  readonly refuse: Partial<Record<MailErrorKind, string>>;
  readonly streams: boolean;
  start(
    session: ImapSession,
    args: ArgumentReader,
    by: NumberedBy,
  ): Reply | undefined | Promise<Reply | undefined>;
}

/** Makes a command out of its definition; the loop has checked the state when `start` is called. */
export function command<N extends keyof StateOf, A>(definition: CommandDefinition<N, A>): Command {
  const { names, state, changes = 'hold', refuse = {}, streams = false } = definition;
  return {
    names,
    label: names[0] === 'SELECT' || names[0] === 'EXAMINE' ? 'SELECT/EXAMINE' : names[0]!,
    state,
    changes,
    refuse,
    streams,
    start(session, args, by) {
      const parsed = definition.parse(args, by, session);
      if (!streams) args.end();
      return definition.run(session, session.state as StateOf[N], parsed);
    },
  };
}

export function isAllowed(command: Command, state: SessionState['kind']): boolean {
  switch (command.state) {
    case 'any':
      return true;
    case 'authenticated':
      return state === 'authenticated' || state === 'selected';
    default:
      return state === command.state;
  }
}
