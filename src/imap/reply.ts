/** The tagged line that ends a command. */
export interface Reply {
  readonly status: 'OK' | 'NO' | 'BAD';
  /** Response code included: `[READ-ONLY] Ok`. */
  readonly text: string;
}

export function ok(text: string): Reply {
  return { status: 'OK', text };
}

export function no(text: string): Reply {
  return { status: 'NO', text };
}

export function bad(text: string): Reply {
  return { status: 'BAD', text };
}

/** What Courier says to everything it cannot read; with the reason, and BAD as the RFC wants. */
export function syntaxError(reason: string): Reply {
  return bad(`Error in IMAP command received by server: ${reason}.`);
}
