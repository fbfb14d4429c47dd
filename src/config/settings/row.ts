import type { Kind } from '../kinds.ts';

/** The files of the configuration directory that hold settings; `postrider` is our own, the others are Courier's. */
export type SettingsFile = 'imapd' | 'imapd-ssl' | 'pop3d' | 'pop3d-ssl' | 'authdaemonrc' | 'postrider';

/** What settings are for: the four listeners, the authentication daemon, and the server as a whole. */
export type Scope = 'imap' | 'imaps' | 'pop3' | 'pop3s' | 'auth' | 'server';

/** One setting: the only place that knows its name, default, allowed values and meaning. */
export interface Row {
  /** Its name in the file; of a family (`AUTHSERVICE993`) what all the names begin with. */
  readonly name: string;
  /** Its name in the typed object, with the unit (`timeoutSeconds`, `sizeOctets`). */
  readonly field: string;
  /** The file it is written in, or its two places; see `filesOf` for where else it is read. */
  readonly files: readonly SettingsFile[];
  readonly scopes: readonly Scope[];
  readonly kind: Kind<unknown>;
  /** The value if the setting is missing, in the notation of the file; `{config}` is the directory. */
  readonly default: string;
  /** The value if it is missing in the environment of a program started by hand, where Courier has another one. */
  readonly byHand?: string;
  /** In words, what a missing value means, where the default alone does not say it. */
  readonly unset?: string;
  /** The value in the shipped file, where it is not the default; `''`: shipped as a comment. */
  readonly template?: string;
  readonly unit?: string;
  /** One line for the reference page. */
  readonly means: string;
  /** It has no effect here, and why. With `warn`, whoever sets it to other than the default or the shipped value is told. */
  readonly unused?: { readonly why: string; readonly warn: boolean };
  /** Its effect is still to be written; whoever sets it as above is told. */
  readonly pending?: true;
  /** The name is a prefix: every variable that begins so belongs to it; the value is a map by the rest. */
  readonly family?: true;
}

/** The typed object of some rows: each row's field with the type its kind reads. */
export type Values<R extends Row> = {
  readonly [Each in R as Each['field']]: Each extends { readonly family: true }
    ? ReadonlyMap<string, ReadValue<Each>>
    : ReadValue<Each>;
};

type ReadValue<R extends Row> = ReturnType<R['kind']['read']>;
