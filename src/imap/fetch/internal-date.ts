import { formatInternalDate, localZoneMinutes } from '../../message/date.ts';

const daySeconds = 86_400;
const maxDays = 20_000;
const twoDigits = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'));

/** What stands before and behind the time of day. */
interface Frame {
  readonly before: string;
  readonly behind: string;
}

/** A writer of INTERNALDATEs that remembers the days it has met in the process's time zone. */
export function createInternalDates(): (seconds: number) => string {
  /** By day since 1970: how local time differs from UTC all day long; NaN where it changes. */
  const zones = new Map<number, number>();
  /** By local day since 1970 and zone. */
  const frames = new Map<number, Frame>();

  function zoneOn(day: number): number {
    let zone = zones.get(day);
    if (zone === undefined) {
      const first = localZoneMinutes(day * daySeconds);
      zone = localZoneMinutes((day + 1) * daySeconds) === first ? first : Number.NaN;
      if (zones.size === maxDays) zones.clear();
      zones.set(day, zone);
    }
    return zone;
  }

  function frameOf(localDay: number, zone: number): Frame {
    const key = localDay * 4096 + zone + 2048;
    let frame = frames.get(key);
    if (frame === undefined) {
      const text = formatInternalDate(localDay * daySeconds - zone * 60, zone);
      const time = text.indexOf(' ') + 1;
      frame = { before: `"${text.slice(0, time)}`, behind: `${text.slice(time + 8)}"` };
      if (frames.size === maxDays) frames.clear();
      frames.set(key, frame);
    }
    return frame;
  }

  return (seconds) => {
    const zone = zoneOn(Math.floor(seconds / daySeconds));
    if (Number.isNaN(zone)) return `"${formatInternalDate(seconds, localZoneMinutes(seconds))}"`;
    const local = seconds + zone * 60;
    const day = Math.floor(local / daySeconds);
    const { before, behind } = frameOf(day, zone);
    const time = local - day * daySeconds;
    const hour = (time / 3600) | 0;
    const minute = ((time / 60) | 0) % 60;
    return `${before}${twoDigits[hour]!}:${twoDigits[minute]!}:${twoDigits[time % 60]!}${behind}`;
  };
}

/** An INTERNALDATE as FETCH sends it, in local time: `"06-Aug-2003 00:00:02 +0000"`. */
export const internalDateText = createInternalDates();
