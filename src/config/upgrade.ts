/**
 * Carries an administrator's values into a newer shipped file (frontend-tls-ops §6.1): a block is a line
 * `##NAME: label:revision`, comments, and the lines up to the next block. Text in, text out; no files.
 */
import { parseShellFile } from './shell-file.ts';

/** What became of one block or variable. */
export interface UpgradeStep {
  readonly name: string;
  /** `dropped`: the variable was assigned before and no longer is. */
  readonly outcome: 'unchanged' | 'UPDATED' | 'new' | 'dropped';
}

export type Upgrade =
  /** Both have the same version. */
  | { readonly kind: 'current' }
  /** The live file is older than the format: nothing can be carried over. */
  | { readonly kind: 'foreign' }
  | { readonly kind: 'merged'; readonly text: string; readonly steps: readonly UpgradeStep[] };

/**
 * Merges a live file into the shipped one. A block with the same label and revision keeps its lines under the new
 * comments; with another revision it gets the new lines, and the old ones as comments; blocks that are no longer
 * shipped go. Lines in front of all blocks, as in files that lost their comments, are kept as the last block.
 * @param distName  the shipped file's name, for the comments
 * @param force  merge although the versions are equal
 * @throws {Error} the shipped file has no version line within its first lines
 */
export function upgradeSettings(live: string, dist: string, distName: string, force = false): Upgrade {
  const fresh = parse(dist);
  if (fresh.version === undefined) throw new Error('configuration header not found.');
  const old = parse(live);
  if (old.version === undefined) return { kind: 'foreign' };
  if (old.version === fresh.version && !force) return { kind: 'current' };
  const before = new Map(old.blocks.map((block) => [block.label, block]));
  const steps: UpgradeStep[] = [];
  const lines = [...fresh.preamble];
  for (const block of fresh.blocks) {
    const kept = before.get(block.label);
    lines.push(...block.head, ...mergeBody(block, kept, distName));
    const outcome = kept === undefined ? 'new' : kept.revision === block.revision ? 'unchanged' : 'UPDATED';
    steps.push({ name: block.label, outcome });
  }
  lines.push(...localBlock(old));
  const text = `${lines.join('\n')}\n`;
  const now = assignedNames(text);
  for (const name of assignedNames(live)) if (!now.has(name)) steps.push({ name, outcome: 'dropped' });
  return { kind: 'merged', text, steps };
}

/** The label of lines that belong to no shipped block; they come last, so that they count. */
const localLabel = 'LOCAL';

function localBlock(old: Parsed): readonly string[] {
  const kept = old.blocks.find(({ label }) => label === localLabel)?.body ?? [];
  const stray = old.preamble.filter((line) => !line.startsWith('#'));
  const body = [...kept, ...stray].filter((line) => line.trim() !== '');
  if (body.length === 0) return [];
  const head = [
    `##NAME: ${localLabel}:0`,
    '#',
    '# Lines of the file before that belong to no setting above.',
    '#',
  ];
  return ['', ...head, '', ...body];
}

interface Block {
  readonly label: string;
  readonly revision: string;
  /** The `##NAME:` line and the comments behind it. */
  readonly head: readonly string[];
  /** From the first line that is no comment. */
  readonly body: readonly string[];
}

interface Parsed {
  readonly version: string | undefined;
  readonly preamble: readonly string[];
  readonly blocks: readonly Block[];
}

const versionLines = 20;

function parse(text: string): Parsed {
  const lines = text.replace(/\n$/, '').split('\n');
  const isVersion = (line: string) => line.startsWith('##VERSION:');
  const version = lines.slice(0, versionLines).find(isVersion)?.slice('##VERSION:'.length).trim();
  const starts = lines.flatMap((line, index) => (line.startsWith('##NAME:') ? [index] : []));
  const blocks = starts.map((start, index) => readBlock(lines.slice(start, starts[index + 1])));
  return { version, preamble: lines.slice(0, starts[0] ?? lines.length), blocks };
}

function readBlock(lines: readonly string[]): Block {
  const [, label = '', revision = ''] = /^##NAME:\s*(.*?)(?::(\S*))?\s*$/.exec(lines[0]!) ?? [];
  const comments = lines.findIndex((line) => !line.startsWith('#'));
  const end = comments < 0 ? lines.length : comments;
  return { label, revision, head: lines.slice(0, end), body: lines.slice(end) };
}

function mergeBody(fresh: Block, kept: Block | undefined, distName: string): readonly string[] {
  if (kept === undefined || isSame(kept.body, fresh.body)) return fresh.body;
  if (kept.revision === fresh.revision)
    return [...asComment(`DEFAULT SETTING from ${distName}:`, fresh.body), ...kept.body];
  return [...asComment('Previous setting (inserted by postrider config upgrade):', kept.body), ...fresh.body];
}

/** Comments that keep lines for reference; nothing if there are none but blank ones. */
function asComment(title: string, lines: readonly string[]): readonly string[] {
  const shown = lines.filter((line) => line.trim() !== '');
  return shown.length === 0 ? [] : [`# ${title}`, '#', ...shown.map((line) => `# ${line}`), '#'];
}

/** Whether the lines are the same, or assign the same values in other words. */
function isSame(a: readonly string[], b: readonly string[]): boolean {
  const essence = (lines: readonly string[]) => {
    const text = lines
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .join('\n');
    const { assignments, errors } = parseShellFile(text, '');
    const isPlain = errors.length === 0 && !text.includes('$') && !text.includes('#');
    return isPlain ? JSON.stringify(assignments.map(({ name, value }) => [name, value])) : text;
  };
  return essence(a) === essence(b);
}

function assignedNames(text: string): ReadonlySet<string> {
  return new Set(parseShellFile(text, '').assignments.map(({ name }) => name));
}
