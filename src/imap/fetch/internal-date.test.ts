import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatInternalDate, localZoneMinutes } from '../../message/date.ts';
import { createInternalDates } from './internal-date.ts';

for (const zone of ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu', 'Pacific/Apia']) {
  test(`dates in ${zone} are those of the calendar, also on days when the clock is changed`, () => {
    const before = process.env.TZ;
    process.env.TZ = zone;
    try {
      const internalDateText = createInternalDates();
      // A second before and at each hour of years with and without summer time.
      for (let hour = 0; hour < 24 * 366; hour += 1) {
        for (const start of [0, 1_293_840_000, 1_704_067_200]) {
          const seconds = Math.max(0, start + hour * 3600 - (hour & 1));
          const expected = `"${formatInternalDate(seconds, localZoneMinutes(seconds))}"`;
          assert.equal(internalDateText(seconds), expected);
        }
      }
    } finally {
      if (before === undefined) delete process.env.TZ;
      else process.env.TZ = before;
    }
  });
}
