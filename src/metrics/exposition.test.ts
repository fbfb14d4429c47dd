import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exposition } from './exposition.ts';

test('metrics as text', () =>
  assert.equal(
    exposition([
      {
        name: 'a_total',
        kind: 'counter',
        help: 'How many.',
        samples: [{ labels: { file: 'a"b\\c\nd', of: 'x' }, value: 3 }, { value: 0.5 }],
      },
      { name: 'none', kind: 'gauge', help: 'Nothing.', samples: [] },
      { name: 'b', kind: 'gauge', help: 'Now.', samples: [{ value: -1 }] },
    ]),
    '# HELP a_total How many.\n# TYPE a_total counter\na_total{file="a\\"b\\\\c\\nd",of="x"} 3\na_total 0.5\n' +
      '# HELP b Now.\n# TYPE b gauge\nb -1\n',
  ));
