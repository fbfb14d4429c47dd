/** Attachments that are what they say they are, made on the spot. */
import { crc32, deflateSync } from 'node:zlib';
import type { Choices } from './random.ts';

/** A small picture: a lighthouse-ish gradient with bands. */
export function png(choices: Choices): Buffer {
  const side = 48;
  const rows = Buffer.alloc(side * (side * 3 + 1));
  const [red, green, blue] = [choices.below(200), choices.below(200), choices.below(200)];
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const at = y * (side * 3 + 1) + 1 + x * 3;
      const band = (x + y) % 12 < 6 ? 40 : 0;
      rows.set([(red + y) & 255, (green + x + band) & 255, (blue + band) & 255], at);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 2], 8);
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(data.length, 0);
  whole.set(body, 4);
  whole.writeUInt32BE(crc32(body), body.length + 4);
  return whole;
}

/** One page that says `text`. */
export function pdf(text: string): Buffer {
  const stream = `BT /F1 18 Tf 72 720 Td (${text.replace(/[()\\]/g, '\\$&')}) Tj ET`;
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ];
  let file = '%PDF-1.4\n';
  const offsets = objects.map((object, i) => {
    const offset = file.length;
    file += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const entries = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  file += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${entries}`;
  file += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${file.lastIndexOf('xref\n0')}\n%%EOF\n`;
  return Buffer.from(file, 'latin1');
}

/** A table of measurements. */
export function csv(choices: Choices): Buffer {
  const rows = Array.from(
    { length: 40 },
    (_, i) => `${i + 1},${choices.below(900) / 10},${choices.below(360)}`,
  );
  return Buffer.from(`hour,wind,direction\n${rows.join('\n')}\n`);
}

/** An appointment. */
export function calendar(subject: string, when: Date): Buffer {
  const stamp = (date: Date) => date.toISOString().replace(/[-:]|\.\d+/g, '');
  const end = new Date(when.getTime() + 3_600_000);
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Postrider demo//EN',
    'METHOD:REQUEST',
    'BEGIN:VEVENT',
  ];
  lines.push(`UID:${when.getTime()}@example.com`, `DTSTAMP:${stamp(when)}`, `DTSTART:${stamp(when)}`);
  lines.push(`DTEND:${stamp(end)}`, `SUMMARY:${subject}`, 'END:VEVENT', 'END:VCALENDAR');
  return Buffer.from(`${lines.join('\r\n')}\r\n`);
}
