import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Columns } from './columns.ts';
import { baseLength } from './name-order.ts';

function add(columns: Columns, uid: number, name: string): void {
  columns.add({ uid, name, baseLength: baseLength(name), mtimeSeconds: 0, keywordSet: 0 }, uid);
}

test('columns behave like a list of rows', () => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('add' as const),
      info: fc.constantFrom('', ':2,', ':2,S', ':2,aS', ':1,x'),
    }),
    fc.record({ kind: fc.constant('remove' as const), at: fc.nat(), many: fc.nat(4) }),
    fc.record({
      kind: fc.constant('info' as const),
      at: fc.nat(),
      info: fc.constantFrom(':2,F', ':2,TS', ''),
    }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (list) => {
      const columns = new Columns();
      let model: { uid: number; base: string; info: string }[] = [];
      let uid = 0;
      for (const each of list) {
        if (each.kind === 'add') {
          const base = `${++uid}.${'x'.repeat(uid % 40)}\xe9`;
          add(columns, uid, base + each.info);
          model.push({ uid, base, info: each.info });
        } else if (model.length === 0) continue;
        else if (each.kind === 'remove') {
          const rows = [
            ...new Set(Array.from({ length: each.many }, (_, i) => (each.at + 3 * i) % model.length)),
          ];
          columns.remove(rows.sort((a, b) => a - b));
          model = model.filter((_, row) => !rows.includes(row));
        } else {
          const row = each.at % model.length;
          assert.equal(columns.setInfo(row, each.info), model[row]!.info !== each.info);
          model[row]!.info = each.info;
        }
      }
      assert.equal(columns.count, model.length);
      for (const [row, { uid: wanted, base, info }] of model.entries()) {
        assert.equal(columns.uids[row], wanted);
        assert.equal(columns.rowOf(wanted), row);
        assert.equal(columns.fileName(row), base + info);
        assert.equal(columns.rowOfName(`${base}:2,RST`, base.length), row);
      }
      for (let gone = 1; gone <= uid; gone++)
        if (!model.some((each) => each.uid === gone)) assert.equal(columns.rowOf(gone), -1);
    }),
  );
});

test('who holds the UIDs keeps what was there, whatever comes and goes', () => {
  const columns = new Columns();
  for (let uid = 1; uid <= 100; uid++) add(columns, uid, `${uid}.a:2,`);
  const { uids, count } = columns;
  columns.remove([0, 50]);
  for (let uid = 101; uid <= 300; uid++) add(columns, uid, `${uid}.a:2,`);
  assert.deepEqual(
    [...uids.subarray(0, count)],
    Array.from({ length: 100 }, (_, i) => i + 1),
  );
});

test('the memory of names that went is used again', () => {
  const columns = new Columns();
  for (let uid = 1; uid <= 20_000; uid++) {
    add(columns, uid, `${uid}.${'x'.repeat(60)}:2,`);
    if (columns.count === 1000) columns.remove(Array.from({ length: 900 }, (_, i) => i));
  }
  assert.ok(columns.octets < 500_000, `${columns.octets} octets`);
});

test('100,000 messages take less than 10 MB', () => {
  const columns = new Columns();
  for (let uid = 1; uid <= 100_000; uid++)
    add(columns, uid, `17955290${uid}.M68862P2226V0FE00I017E05E.mx1,S=18:2,S`);
  assert.ok(columns.octets < 10e6, `${columns.octets} octets`);
});
