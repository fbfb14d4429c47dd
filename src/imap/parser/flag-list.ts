import { flag } from '../../store/flags.ts';
import type { ArgumentReader } from './arguments.ts';

/** System flags as bits of store/flags.ts, and keywords as the client spelt them. */
export interface FlagList {
  flags: number;
  keywords: string[];
}

const systemFlags: Readonly<Record<string, number>> = {
  DRAFT: flag.draft,
  FLAGGED: flag.flagged,
  ANSWERED: flag.answered,
  SEEN: flag.seen,
  DELETED: flag.deleted,
};

/** `(\Seen $Work)`, one bare flag, or NIL (imap-server §12.1). */
export function readFlagList(args: ArgumentReader): FlagList {
  const list: FlagList = { flags: 0, keywords: [] };
  if (args.atList) args.list(() => readFlag(args, list));
  else if (!args.acceptNil()) {
    do readFlag(args, list);
    while (!args.atEnd);
  }
  return list;
}

function readFlag(args: ArgumentReader, list: FlagList): void {
  if (args.accept('\\')) {
    const name = args.atomHere();
    const bit = systemFlags[name.toUpperCase()];
    if (bit === undefined) args.refuse(`flag \\${name} cannot be set`);
    list.flags |= bit;
    return;
  }
  const keyword = args.bracketAtom();
  if (/[%*]/.test(keyword)) args.refuse('invalid keyword');
  if (!list.keywords.some((known) => known.toLowerCase() === keyword.toLowerCase()))
    list.keywords.push(keyword);
}
