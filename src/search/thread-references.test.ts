import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Folder } from '../store/folder.ts';
import { type Facts, factsOf } from './facts.ts';
import { Pacer } from './pacer.ts';
import { formatThreads } from './thread-forest.ts';
import { threadByReferences } from './thread-references.ts';
import { threadBySubject } from './thread-subject.ts';

interface Mail {
  readonly id?: string;
  readonly references?: readonly string[];
  readonly subject?: string;
  readonly reply?: boolean;
  readonly date?: number;
}

let folders = 0;

function factsFor(mails: readonly Mail[]): { facts: Facts; ordered: Int32Array } {
  const folder = { directory: `/test/${folders++}`, uidValidity: 1 } as Folder;
  const uids = Uint32Array.from(mails, (_, i) => i + 1);
  const facts = factsOf({ folder, uids, count: mails.length, isRecent: () => false });
  const { strings } = facts;
  mails.forEach((mail, i) => {
    if (mail.id !== undefined) facts.messageId[i] = strings.add(mail.id);
    facts.baseSubject[i] = strings.add(mail.subject ?? '');
    facts.isReply[i] = Number(mail.reply ?? false);
    facts.referencesStart[i] = facts.references.length;
    facts.referencesCount[i] = mail.references?.length ?? 0;
    for (const id of mail.references ?? []) facts.references.push(strings.add(id));
  });
  const date = (i: number) => mails[i]!.date ?? i;
  const ordered = Int32Array.from(mails, (_, i) => i).sort((a, b) => date(a) - date(b) || a - b);
  return { facts, ordered };
}

async function references(mails: readonly Mail[]): Promise<string> {
  const { facts, ordered } = factsFor(mails);
  return [...formatThreads(await threadByReferences(facts, ordered, new Pacer()), (index) => index + 1)].join(
    '',
  );
}

function orderedSubject(mails: readonly Mail[]): string {
  const { facts, ordered } = factsFor(mails);
  return [...formatThreads(threadBySubject(facts, ordered), (index) => index + 1)].join('');
}

const table: [name: string, mails: Mail[], threads: string][] = [
  ['nothing', [], ''],
  ['strangers', [{ id: 'a' }, { id: 'b' }], '(1)(2)'],
  ['a chain', [{ id: 'a' }, { id: 'b', references: ['a'] }, { id: 'c', references: ['a', 'b'] }], '(1 2 3)'],
  ['answers before the question', [{ id: 'b', references: ['a'] }, { id: 'a' }], '(2 1)'],
  [
    'siblings by date',
    [{ id: 'a' }, { references: ['a'], date: 9 }, { references: ['a'], date: 5 }],
    '(1 (3)(2))',
  ],
  ['a missing parent of two', [{ references: ['x'] }, { references: ['x'] }], '((1)(2))'],
  ['a missing parent of one', [{ references: ['x'] }, {}], '(1)(2)'],
  [
    'a missing message between',
    [{ id: 'a' }, { references: ['a', 'x'] }, { references: ['a', 'x'] }],
    '(1 (2)(3))',
  ],
  ['missing messages above each other', [{ references: ['x', 'y'] }, { references: ['x', 'z'] }], '((1)(2))'],
  [
    'a loop',
    [
      { id: 'a', references: ['b'] },
      { id: 'b', references: ['a'] },
    ],
    '(2 1)',
  ],
  ['oneself', [{ id: 'a', references: ['a'] }], '(1)'],
  ['a doubled id', [{ id: 'a' }, { id: 'a' }, { references: ['a'] }], '(1 3)(2)'],
  [
    'what a message says of itself counts more',
    [{ id: 'a' }, { id: 'b' }, { id: 'c', references: ['b'] }, { references: ['a', 'c'] }],
    '(1)(2 3 4)',
  ],
  ['equal subjects', [{ subject: 'S' }, { subject: 'S' }], '((1)(2))'],
  ['a reply to a subject', [{ subject: 'S' }, { subject: 'S', reply: true }], '(1 2)'],
  ['a reply that came first', [{ subject: 'S', reply: true }, { subject: 'S' }], '(2 1)'],
  ['three equal subjects', [{ subject: 'S' }, { subject: 'S' }, { subject: 'S' }], '((1)(2)(3))'],
  ['no subject at all', [{}, {}], '(1)(2)'],
  [
    'two missing parents of one subject',
    [1, 2, 3, 4].map((i) => ({ subject: 'S', reply: true, references: [i < 3 ? 'x' : 'y'] })),
    '((1)(2)(3)(4))',
  ],
  [
    'a message joins the missing parent of its subject',
    [{ subject: 'S', references: ['x'] }, { subject: 'S', references: ['x'] }, { subject: 'S' }],
    '((1)(2)(3))',
  ],
];

for (const [name, mails, threads] of table) {
  test(`THREAD=REFERENCES of ${name}: ${threads}`, async () =>
    assert.equal(await references(mails), threads));
}

test('THREAD=ORDEREDSUBJECT: the earliest is the parent of all others', () => {
  const mails = [
    { subject: 'A', date: 4 },
    { subject: 'B', date: 2 },
    { subject: 'A', date: 1 },
    { subject: 'A', date: 3 },
  ];
  assert.equal(orderedSubject(mails), '(3 (4)(1))(2)');
});

/** The RFC's own steps on objects, as plain as they are written there. */
interface Container {
  mail: number;
  parent: Container | undefined;
  children: Container[];
}

function naive(mails: readonly Mail[]): string {
  const ids = new Map<string, Container>();
  const make = (mail: number): Container => ({ mail, parent: undefined, children: [] });
  const own = mails.map((mail, i) => {
    const container = make(i);
    if (mail.id !== undefined && !ids.has(mail.id)) ids.set(mail.id, container);
    return container;
  });
  const isBelow = (above: Container, node: Container | undefined): boolean =>
    node !== undefined && (node === above || isBelow(above, node.parent));
  mails.forEach((mail, i) => {
    let last: Container | undefined;
    for (const id of mail.references ?? []) {
      const next = ids.get(id) ?? make(-1);
      ids.set(id, next);
      if (last !== undefined && next.parent === undefined && !isBelow(next, last)) next.parent = last;
      last = next;
    }
    const node = own[i]!;
    if (last !== undefined && !isBelow(node, last)) node.parent = last;
  });
  const all = [...new Set([...own, ...ids.values()])];
  for (const node of all) node.parent?.children.push(node);
  const prune = (nodes: Container[], atRoot: boolean): Container[] =>
    nodes.flatMap((node) => {
      node.children = prune(node.children, false);
      if (node.mail >= 0) return [node];
      return node.children.length > 1 && atRoot ? [node] : node.children;
    });
  const date = (node: Container): number =>
    node.mail < 0
      ? Math.min(...node.children.map(date))
      : (mails[node.mail]!.date ?? node.mail) + node.mail / 1000;
  const byDate = (nodes: Container[]): Container[] => {
    for (const node of nodes) byDate(node.children);
    return nodes.sort((a, b) => date(a) - date(b));
  };
  const roots = byDate(
    prune(
      all.filter((node) => node.parent === undefined),
      true,
    ),
  );
  const subjectOf = (node: Container) =>
    mails[node.mail < 0 ? node.children[0]!.mail : node.mail]!.subject ?? '';
  const isReply = (node: Container) => node.mail >= 0 && mails[node.mail]!.reply === true;
  const held = new Map<string, Container>();
  const subjects = new Map(roots.map((root) => [root, subjectOf(root)]));
  for (const root of roots) {
    const subject = subjects.get(root)!;
    const before = held.get(subject);
    if (subject === '') continue;
    if (!before || (before.mail >= 0 && (root.mail < 0 || (isReply(before) && !isReply(root)))))
      held.set(subject, root);
  }
  let result = [...roots];
  for (const root of roots) {
    const subject = subjects.get(root)!;
    const target = held.get(subject);
    if (subject === '' || target === undefined || target === root) continue;
    result = result.filter((node) => node !== root);
    if (target.mail < 0 && root.mail < 0) target.children.push(...root.children);
    else if (target.mail < 0 || (isReply(root) && !isReply(target))) target.children.push(root);
    else {
      const made = { mail: -1, parent: undefined, children: [root, target] };
      result = [...result.filter((node) => node !== target), made];
      held.set(subject, made);
    }
  }
  const write = (node: Container): string => {
    const number = node.mail < 0 ? '' : `${node.mail + 1}`;
    if (node.children.length === 0) return number;
    const below =
      node.children.length === 1
        ? write(node.children[0]!)
        : node.children.map((c) => `(${write(c)})`).join('');
    return number === '' ? below : `${number} ${below}`;
  };
  return byDate(result)
    .map((root) => `(${write(root)})`)
    .join('');
}

test('THREAD=REFERENCES does what the steps of RFC 5256 say', async () => {
  const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
  const mail = fc.record(
    {
      id,
      references: fc.array(id, { maxLength: 4 }),
      subject: fc.constantFrom('S', 'T'),
      reply: fc.boolean(),
      date: fc.integer({ min: 0, max: 9 }),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(mail, { maxLength: 9 }), async (mails) => {
      assert.equal(await references(mails), naive(mails));
    }),
    { numRuns: 3000 },
  );
});
