import type { Command } from './command.ts';

interface Entry {
  /** One line for the list of commands. */
  readonly does: string;
  readonly load: () => Promise<Command>;
}

/** Every subcommand; a module is loaded only when its command runs. */
export const commands: Readonly<Record<string, Entry>> = {
  serve: {
    does: 'the whole server',
    load: () => import('./serve.ts'),
  },
  demo: {
    does: 'serve an account full of made-up mail, to look at',
    load: () => import('./demo.ts'),
  },
  imapd: {
    does: 'IMAP on standard input and output, for a user who is known already',
    load: () => import('./imapd.ts'),
  },
  config: {
    does: 'check, show or upgrade the configuration',
    load: () => import('./config.ts'),
  },
  authdaemond: {
    does: 'the authentication daemon',
    load: () => import('./authdaemond.ts'),
  },
  maildirmake: {
    does: 'make maildirs, folders, quotas and links to sharable maildirs',
    load: () => import('./maildirmake.ts'),
  },
  maildiracl: {
    does: 'show and change access control lists',
    load: () => import('./maildiracl.ts'),
  },
  maildirkw: {
    does: 'show and change the keywords of messages',
    load: () => import('./maildirkw.ts'),
  },
};
