import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  dayNumber,
  formatInternalDate,
  formatMailDate,
  localZoneMinutes,
  parseDate,
  parseInternalDate,
} from './date.ts';

const dates: [value: string, iso: string | undefined, zoneMinutes?: number][] = [
  ['Tue, 24 Nov 2026 16:19:24 +0100', '2026-11-24T15:19:24Z', 60],
  ['24 Nov 2026 16:19 -0330', '2026-11-24T19:49:00Z', -210],
  ['24 Nov 26 16:19:00 EST', '2026-11-24T21:19:00Z', -300],
  ['24 Nov 98 16:19:00 pdt', '1998-11-24T23:19:00Z', -420],
  ['24 Nov 102 16:19:00 GMT', '2002-11-24T16:19:00Z', 0],
  ['24 Nov 2026 16:19:60 Z', '2026-11-24T16:20:00Z', 0],
  ['24 Nov 2026 16:19:00 X', '2026-11-24T16:19:00Z', 0],
  ['(c (d)) Tue , 24 (x) Nov 2026 16:19:24 +0000 (GMT)', '2026-11-24T16:19:24Z', 0],
  ['Tue Nov 24 16:20:00 2026', '2026-11-24T16:20:00Z', 0],
  ['Tue Nov 24 16:20:00 CST 2026', '2026-11-24T22:20:00Z', -360],
  ['24 november 2026', '2026-11-24T00:00:00Z', 0],
  ['1-jan-99 1:02:03 gmt', '1999-01-01T01:02:03Z', 0],
  ['29 Feb 2024 00:00:00 +0000', '2024-02-29T00:00:00Z', 0],
  ['1 Jan 0000 00:00:00 +0000', undefined],
  ['29 Feb 2023 00:00:00 +0000', undefined],
  ['31 Jun 2023 00:00:00 +0000', undefined],
  ['24 Nov 2026 24:00:00 +0000', undefined],
  ['24 Nov 2026 12:60:00 +0000', undefined],
  ['24 Nov 20266 12:00:00 +0000', undefined],
  ['24 Foo 2026 12:00:00 +0000', undefined],
  ['', undefined],
  ['constructor', undefined],
  ['24 Nov 2026 16:19:24 constructor', '2026-11-24T16:19:24Z', 0],
  [`24 Nov 2026 ${' '.repeat(300)}16:19:24`, undefined],
];

for (const [value, iso, zoneMinutes] of dates) {
  test(`date: ${value}`, () => {
    const parsed = parseDate(value);
    const found = parsed && new Date(parsed.epochSeconds * 1000).toISOString().replace('.000', '');
    assert.deepEqual([found, parsed?.zoneMinutes], [iso, zoneMinutes]);
  });
}

test('the day is that of the zone in which the date is written', () => {
  assert.equal(parseDate('1 Jan 2020 23:30:00 -0200')!.localDay, dayNumber(2020, 1, 1));
  assert.equal(parseDate('1 Jan 2020 00:30:00 +0200')!.localDay, dayNumber(2020, 1, 1));
});

test('internal dates are written with two digits and read again', () => {
  assert.equal(formatInternalDate(1577870430, 0), '01-Jan-2020 09:20:30 +0000');
  assert.equal(formatInternalDate(1577870430, -330), '01-Jan-2020 03:50:30 -0530');
  const seconds = fc.integer({ min: -2_000_000_000, max: 250_000_000_000 });
  fc.assert(
    fc.property(seconds, fc.integer({ min: -840, max: 840 }), (epochSeconds, zoneMinutes) => {
      const text = formatInternalDate(epochSeconds, zoneMinutes);
      assert.deepEqual(parseInternalDate(text), { epochSeconds, zoneMinutes });
    }),
  );
});

for (const text of [' 1-Jan-2020 09:20:30 +0000', '1-jan-2020 09:20:30 +0000'])
  test(`internal date: ${text}`, () => assert.equal(parseInternalDate(text)?.epochSeconds, 1577870430));

for (const text of [
  '',
  '01-Jan-20 09:20:30 +0000',
  '32-Jan-2020 09:20:30 +0000',
  '01-Foo-2020 09:20:30 +0000',
  '01-Jan-2020 09:20:30',
])
  test(`no internal date: "${text}"`, () => assert.equal(parseInternalDate(text), undefined));

test('the local zone is the one that Date uses', () => {
  const date = new Date(2026, 6, 1, 12);
  assert.equal(localZoneMinutes(date.getTime() / 1000), -date.getTimezoneOffset());
});

test('formats dates as header fields have them', () => {
  assert.equal(formatMailDate(1060128002, 0), 'Wed, 06 Aug 2003 00:00:02 +0000');
  assert.equal(formatMailDate(1060128002, -330), 'Tue, 05 Aug 2003 18:30:02 -0530');
});
