import type { LoginServices } from '../login/services.ts';
import type { Connection } from '../net/connection.ts';
import type { Pop3Services } from './services.ts';

/** What commands before login may use. */
export interface CommandContext {
  readonly connection: Connection;
  readonly services: Pop3Services;
  readonly login: LoginServices;
}

/**
 * What a command leads to. `sent`: it has written its reply itself. `restart`: octets received before it do not
 * count any more (STLS). `text` is the reply without its last line end.
 */
export type Outcome =
  | { readonly kind: 'reply'; readonly text: string }
  | { readonly kind: 'sent' }
  | { readonly kind: 'restart' }
  | { readonly kind: 'end'; readonly text: string };
