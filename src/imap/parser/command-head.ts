import { ArgumentReader } from './arguments.ts';

/** A command's name and where its arguments begin. */
export interface Head {
  tag: string;
  name: string;
  argumentsAt: number;
}

/** The tag and name of a command; undefined: there is no readable tag. */
export function readHead(octets: Buffer): Head | undefined {
  const args = new ArgumentReader(octets, 0, 0);
  args.skipSpace();
  const tag = args.atomHere();
  if (tag === '') return undefined;
  args.skipSpace();
  let name = args.atomHere().toUpperCase();
  if (name === 'UID') {
    args.skipSpace();
    name = `UID ${args.atomHere().toUpperCase()}`;
  }
  return { tag, name, argumentsAt: args.position };
}

/** Whether the literal announced at the end is a message to APPEND, and not the mailbox's name. */
export function wantsStream(args: ArgumentReader): boolean {
  args.skipSpace();
  const start = args.position;
  const isName = args.atPendingLiteral;
  args.position = start;
  return !isName;
}
