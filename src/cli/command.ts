/** What a subcommand gets from the process; tests pass their own. */
export interface CommandContext {
  /** The name it was called by. */
  readonly name: string;
  /** The arguments behind the name. */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Where standard output is a terminal: its width. */
  readonly terminalColumns?: number | undefined;
}

/** A subcommand's module: `run` resolves to the exit code when all is done. */
export interface Command {
  run(context: CommandContext): number | Promise<number>;
}

/** The exit code for a wrong command line (EX_USAGE of sysexits). */
export const usageExit = 64;
