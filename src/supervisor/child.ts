import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import type { Log } from '../base/log.ts';
import { BackOff } from './back-off.ts';

/** A process that is started again, with back-off, until it is told to stop. */
export class Child {
  readonly #name: string;
  readonly #start: () => ChildProcess;
  readonly #log: Log;
  readonly #backOff: BackOff;
  #process: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopping = false;
  #restarts = 0;

  /** @param restartLimitMs  the longest wait before it is started again */
  constructor(name: string, log: Log, restartLimitMs: number, start: () => ChildProcess) {
    this.#name = name;
    this.#backOff = new BackOff(restartLimitMs);
    this.#log = log;
    this.#start = start;
  }

  get process(): ChildProcess | undefined {
    return this.#process;
  }

  get name(): string {
    return this.#name;
  }

  /** How often it has ended unexpectedly. */
  get restarts(): number {
    return this.#restarts;
  }

  start(): void {
    const process = this.#start();
    this.#process = process;
    this.#backOff.started();
    process.on('error', (error) => this.#log.error(`${this.#name}: ${error.message}`));
    process.once('exit', (code, signal) => {
      this.#process = undefined;
      if (this.#stopping) return;
      this.#restarts++;
      const waitMs = this.#backOff.next();
      this.#log.error(`${this.#name} ended (${signal ?? `exit code ${code}`}), starting it again`);
      this.#timer = setTimeout(() => this.start(), waitMs);
    });
  }

  /** It is expected to end from now on. */
  expectExit(): void {
    this.#stopping = true;
    clearTimeout(this.#timer);
  }

  /** Ends it: politely, then by force. Resolves when it is gone. */
  async kill(signal: NodeJS.Signals, forceAfterMs: number): Promise<void> {
    this.expectExit();
    const process = this.#process;
    if (!process) return;
    const exit = once(process, 'exit');
    process.kill(signal);
    const force = setTimeout(() => process.kill('SIGKILL'), forceAfterMs);
    await exit;
    clearTimeout(force);
  }
}

/** Takes the lines that children write to their standard error; undefined: they share ours. */
export type ChildOutput = ((line: string) => void) | undefined;

/** The first argument of our modules: whether their lines are to be marked with the service's name. */
export function logMode(output: ChildOutput): 'marked' | 'plain' {
  return output ? 'marked' : 'plain';
}

/** A module beside this one, as source or compiled. */
export function siblingModule(name: string): URL {
  return new URL(name + import.meta.url.slice(import.meta.url.lastIndexOf('.')), import.meta.url);
}

/** A process running one of our modules, with a channel for messages and handles. */
export function forkModule(module: URL, args: readonly string[], output: ChildOutput): ChildProcess {
  const child = fork(module, [...args], {
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', output ? 'pipe' : 'inherit', 'ipc'],
    execArgv: [],
    detached: true,
  });
  readLines(child, output);
  return child;
}

/**
 * A program of its own, outside our terminal's process group so that Ctrl-C reaches the supervisor alone.
 * @param secret  what it can read from descriptor 3, which ends when we do
 */
export function spawnProgram(
  command: readonly string[],
  output: ChildOutput,
  secret: Uint8Array,
): ChildProcess {
  const [program, ...args] = command;
  const stdio = ['ignore', 'inherit', output ? 'pipe' : 'inherit', 'pipe'] as const;
  const child = spawn(program!, args, { stdio: [...stdio], detached: true });
  const secrets = child.stdio[3] as Writable;
  secrets.on('error', () => {}); // it has ended already, and is started again
  secrets.write(secret);
  readLines(child, output);
  return child;
}

function readLines(child: ChildProcess, output: ChildOutput): void {
  if (!output || !child.stderr) return;
  createInterface({ input: child.stderr }).on('line', output);
}
