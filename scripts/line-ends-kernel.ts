/**
 * Makes src/message/line-ends-kernel.ts from the text below: `node scripts/line-ends-kernel.ts`.
 * `--check` fails if the file is not what this text makes.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import wabt from 'wabt';

/**
 * expand(from, length, to) copies octets, puts a CR before each LF that none precedes, and returns how many there are.
 * The octet at `from - 1` tells whether a CR is before the first. Writes up to 16 octets past the result.
 */
const text = `
(module
  (memory (export "memory") 14)
  (func (export "expand") (param $from i32) (param $length i32) (param $to i32) (result i32)
    (local $end i32) (local $start i32) (local $octets v128) (local $lfs i32) (local $octet i32)
    (local.set $end (i32.add (local.get $from) (local.get $length)))
    (local.set $start (local.get $to))
    (block $tail
      (loop $next
        (br_if $tail (i32.gt_u (i32.add (local.get $from) (i32.const 16)) (local.get $end)))
        (local.set $octets (v128.load align=1 (local.get $from)))
        (v128.store align=1 (local.get $to) (local.get $octets))
        (local.set $lfs (i8x16.bitmask (i8x16.eq (local.get $octets) (i8x16.splat (i32.const 10)))))
        (if (i32.eqz (local.get $lfs))
          (then
            (local.set $from (i32.add (local.get $from) (i32.const 16)))
            (local.set $to (i32.add (local.get $to) (i32.const 16)))
            (br $next)))
        (local.set $lfs (i32.ctz (local.get $lfs)))
        (local.set $from (i32.add (local.get $from) (local.get $lfs)))
        (local.set $to (i32.add (local.get $to) (local.get $lfs)))
        (if (i32.ne (i32.load8_u (i32.sub (local.get $from) (i32.const 1))) (i32.const 13))
          (then
            (i32.store8 (local.get $to) (i32.const 13))
            (local.set $to (i32.add (local.get $to) (i32.const 1)))))
        (i32.store8 (local.get $to) (i32.const 10))
        (local.set $to (i32.add (local.get $to) (i32.const 1)))
        (local.set $from (i32.add (local.get $from) (i32.const 1)))
        (br $next)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $from) (local.get $end)))
        (local.set $octet (i32.load8_u (local.get $from)))
        (if (i32.and
              (i32.eq (local.get $octet) (i32.const 10))
              (i32.ne (i32.load8_u (i32.sub (local.get $from) (i32.const 1))) (i32.const 13)))
          (then
            (i32.store8 (local.get $to) (i32.const 13))
            (local.set $to (i32.add (local.get $to) (i32.const 1)))))
        (i32.store8 (local.get $to) (local.get $octet))
        (local.set $to (i32.add (local.get $to) (i32.const 1)))
        (local.set $from (i32.add (local.get $from) (i32.const 1)))
        (br $next)))
    (i32.sub (local.get $to) (local.get $start))))
`;

const module = (await wabt()).parseWat('line-ends.wat', text, { simd: true });
const { buffer } = module.toBinary({});
const source = `/** WebAssembly of ${buffer.length} octets, made by scripts/line-ends-kernel.ts. Do not edit. */
export const lineEndsKernel =
${Buffer.from(buffer)
  .toString('base64')
  .replace(/.{1,100}/g, "  '$&' +\n")
  .replace(/ \+\n$/, ';')}
`;

const file = resolve(import.meta.dirname, '../src/message/line-ends-kernel.ts');
if (!process.argv.includes('--check')) {
  writeFileSync(file, source);
} else if (readFileSync(file, 'utf8') !== source) {
  console.error('src/message/line-ends-kernel.ts is not what scripts/line-ends-kernel.ts makes');
  process.exit(1);
}
