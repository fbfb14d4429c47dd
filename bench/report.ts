import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Figure } from './measure.ts';

/** One row of the table: a workload and what it cost each server. */
export interface Row {
  readonly id: string;
  readonly name: string;
  readonly leads: boolean;
  readonly figures: Record<string, Figure>;
}

const us = 'postrider';

/** The number that is compared: less is better. */
function costOf(figure: Figure): number | undefined {
  return figure.kib ?? figure.medianMs ?? figure.cpuMs ?? figure.wallMs;
}

function format(figure: Figure | undefined): string {
  if (figure === undefined) return '–';
  if (figure.kib !== undefined) return `${Math.round(figure.kib)} KiB`;
  if (figure.medianMs !== undefined) return `${digits(figure.medianMs)} ms, p99 ${digits(figure.p99Ms!)}`;
  if (figure.cpuMs === undefined) return `${digits(figure.wallMs!)} ms`;
  return `${digits(figure.cpuMs)} ms, ${Math.round(figure.perSecond!)}/s`;
}

function digits(number: number): string {
  return number >= 100 ? number.toFixed(0) : number.toPrecision(number >= 10 ? 3 : 2);
}

/** The whole table as text; ratios below 1 say that Postrider needs less. */
export function formatTable(rows: readonly Row[], servers: readonly string[]): string {
  const peers = servers.filter((server) => server !== us);
  const head = ['', 'workload', ...servers, ...peers.map((peer) => `to ${peer}`)];
  const body = rows.map((row) => [
    row.id + (row.leads ? ' ①' : ''),
    row.name,
    ...servers.map((server) => format(row.figures[server])),
    ...peers.map((peer) => ratio(row.figures[us], row.figures[peer])),
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...body].map((cells) => cells[column]!.length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd();
  return [line(head), ...body.map(line)].join('\n') + '\n';
}

function ratio(ours: Figure | undefined, theirs: Figure | undefined): string {
  const [a, b] = [ours && costOf(ours), theirs && costOf(theirs)];
  return a === undefined || b === undefined || b === 0 ? '–' : (a / b).toFixed(2);
}

/** Writes the rows as JSON beside the bench. @returns the file */
export function writeResults(rows: readonly Row[], servers: readonly string[], options: object): string {
  const directory = join(import.meta.dirname, 'results');
  mkdirSync(directory, { recursive: true });
  const file = join(directory, `${new Date().toISOString().replaceAll(':', '-').slice(0, 19)}.json`);
  const machine = { cores: cpus().length, model: cpus()[0]?.model, node: process.version };
  writeFileSync(file, JSON.stringify({ machine, options, servers, rows }, undefined, 2) + '\n');
  return file;
}
