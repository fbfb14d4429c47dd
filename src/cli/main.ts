/** The program: the first word names a subcommand; bin/postrider puts its own name there if it is a link. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type CommandContext, usageExit } from './command.ts';
import { commands } from './commands.ts';

/** Runs what a command line asks for; resolves to the exit code. */
export async function main(words: readonly string[], process: ProcessParts): Promise<number> {
  const [name, ...args] = words;
  if (name === '--version' || name === '-V') {
    process.stdout(`postrider ${version()}\n`);
    return 0;
  }
  if (name === 'help' || name === '--help' || name === '-h') {
    process.stdout(usage());
    return 0;
  }
  const entry = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (name === undefined || entry === undefined) {
    process.stderr((name === undefined ? '' : `postrider: there is no command ${name}\n`) + usage());
    return usageExit;
  }
  const command = await entry.load();
  return command.run({ ...process, name, args });
}

type ProcessParts = Omit<CommandContext, 'name' | 'args'>;

function usage(): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const list = Object.entries(commands).map(([name, { does }]) => `  ${name.padEnd(width)}  ${does}\n`);
  return `usage: postrider COMMAND [ARGUMENT]...\n       postrider --version\n\n${list.join('')}`;
}

function version(): string {
  const file = resolve(import.meta.dirname, '../../package.json');
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  return version;
}

if (import.meta.main)
  process.exitCode = await main(process.argv.slice(2), {
    environment: process.env,
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    terminalColumns: process.stdout.isTTY ? process.stdout.columns : undefined,
  });
