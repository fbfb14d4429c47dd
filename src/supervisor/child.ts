import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Log } from '../base/log.ts';
import { BackOff } from './back-off.ts';

/** A process that is started again, with back-off, until it is told to stop. */
export class Child {
  readonly #name: string;
  readonly #start: () => ChildProcess;
  readonly #log: Log;
  readonly #backOff = new BackOff();
  #process: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopping = false;

  constructor(name: string, log: Log, start: () => ChildProcess) {
    this.#name = name;
    this.#log = log;
    this.#start = start;
  }

  get process(): ChildProcess | undefined {
    return this.#process;
  }

  start(): void {
    const process = this.#start();
    this.#process = process;
    this.#backOff.started();
    process.on('error', (error) => this.#log.error(`${this.#name}: ${error.message}`));
    process.once('exit', (code, signal) => {
      this.#process = undefined;
      if (this.#stopping) return;
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

/** A process running one of our modules, with a channel for messages and handles. Its log goes where ours goes. */
export function forkModule(module: URL, args: readonly string[]): ChildProcess {
  return fork(module, [...args], {
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: [],
    detached: true,
  });
}

/** A program of its own, outside our terminal's process group so that Ctrl-C reaches the supervisor alone. */
export function spawnProgram(command: readonly string[]): ChildProcess {
  const [program, ...args] = command;
  return spawn(program!, args, { stdio: ['ignore', 'inherit', 'inherit'], detached: true });
}
