/**
 * Seven-bit charsets that shift between ASCII and a double-byte set: iso-2022-kr (RFC 1557: SO, SI, and the
 * designator ESC $ ) C) and hz-gb-2312 (RFC 1843: `~{`, `~}`, `~~`, `~` at a line's end). Shifted octets get the
 * high bit and go to the decoder of euc-kr or gbk. A line end shifts back.
 */
import type { CharsetDecoder } from './charset.ts';
import { createRuntimeDecoder } from './runtime-charset.ts';

const designator = [0x1b, 0x24, 0x29, 0x43];

export function createShiftDecoder(name: 'iso-2022-kr' | 'hz'): CharsetDecoder {
  const decoder = createRuntimeDecoder(name === 'hz' ? 'gbk' : 'euc-kr');
  const shift = name === 'hz' ? hzShift() : koreanShift();
  return {
    write: (octets) => decoder.write(shift(octets)),
    end: () => decoder.end(),
  };
}

type Shift = (octets: Uint8Array) => Uint8Array;

function koreanShift(): Shift {
  let isShifted = false;
  let matched = 0; // octets of the designator seen
  return (octets) => {
    const out = new Uint8Array(octets.length + designator.length);
    let length = 0;
    for (const octet of octets) {
      if (octet === designator[matched]) {
        matched = (matched + 1) % designator.length;
        continue;
      }
      for (let at = 0; at < matched; at++) out[length++] = designator[at]!;
      matched = octet === designator[0] ? 1 : 0;
      if (matched === 1) continue;
      if (octet === 0x0e) isShifted = true;
      else if (octet === 0x0f) isShifted = false;
      else {
        if (octet === 10) isShifted = false;
        out[length++] = isShifted && octet > 32 && octet < 127 ? octet | 0x80 : octet;
      }
    }
    return out.subarray(0, length);
  };
}

function hzShift(): Shift {
  let isShifted = false;
  let afterTilde = false;
  return (octets) => {
    const out = new Uint8Array(octets.length * 2 + 1);
    let length = 0;
    for (const octet of octets) {
      if (afterTilde) {
        afterTilde = false;
        if (octet === 0x7b) isShifted = true;
        else if (octet === 0x7d) isShifted = false;
        else if (octet === 0x7e) out[length++] = 0x7e;
        else if (octet !== 10) {
          out[length++] = 0x7e;
          out[length++] = octet;
        }
        continue;
      }
      if (octet === 0x7e) {
        afterTilde = true;
        continue;
      }
      if (octet === 10) isShifted = false;
      out[length++] = isShifted && octet > 32 && octet < 127 ? octet | 0x80 : octet;
    }
    return out.subarray(0, length);
  };
}
