/**
 * Charsets: the runtime's TextDecoder; iconv-lite for what that lacks, loaded on first use; and two own decoders for
 * what both lack. `iso-8859-1` and `us-ascii` mean windows-1252, as mail programs use them.
 */
import { createRequire } from 'node:module';
import { asBuffer, asciiLower, trimBlanks } from './octet-text.ts';
import { createRuntimeDecoder, isRuntimeCharset } from './runtime-charset.ts';
import { createShiftDecoder } from './shift-charset.ts';

/** Octets of a charset -> text, in any pieces; broken octets become U+FFFD. */
export interface CharsetDecoder {
  write(octets: Uint8Array): string;
  end(): string;
}

const aliases = new Map(
  Object.entries({
    cp932: 'shift_jis',
    cp936: 'gbk',
    cp949: 'euc-kr',
    cp950: 'big5',
    'iso-2022-jp-1': 'iso-2022-jp',
    'iso-2022-jp-2': 'iso-2022-jp',
    'iso-2022-jp-3': 'iso-2022-jp',
    'iso-2022-jp-ms': 'iso-2022-jp',
    cp50220: 'iso-2022-jp',
    cp50221: 'iso-2022-jp',
    'hz-gb-2312': 'hz',
  }),
);

/** Codings that iconv-lite knows and that are no charsets of mail. */
const refused = new Set(['base64', 'hex', 'binary', 'utf7imap', 'utf-7-imap']);
const maximumLabel = 64;

type Factory = () => CharsetDecoder;

/** Per label; undefined: unknown. Bounded, as labels come from mail. */
const factories = new Map<string, Factory | undefined>();
const maximumFactories = 500;

/** `label` as in MIME, any case. */
export function isKnownCharset(label: string): boolean {
  return factoryOf(label) !== undefined;
}

/** @returns undefined if the charset is unknown */
export function createCharsetDecoder(label: string): CharsetDecoder | undefined {
  return factoryOf(label)?.();
}

/** @returns undefined if the charset is unknown */
export function decodeCharset(octets: Uint8Array, label: string): string | undefined {
  const decoder = createCharsetDecoder(label);
  return decoder && decoder.write(octets) + decoder.end();
}

function factoryOf(label: string): Factory | undefined {
  const key = asciiLower(trimBlanks(label));
  if (key === '' || key.length > maximumLabel) return undefined;
  if (factories.has(key)) return factories.get(key);
  const factory = findFactory(aliases.get(key) ?? key);
  if (factories.size >= maximumFactories) factories.clear();
  factories.set(key, factory);
  return factory;
}

function findFactory(name: string): Factory | undefined {
  if (name === 'iso-2022-kr' || name === 'hz') return () => createShiftDecoder(name);
  if (isRuntimeCharset(name)) return () => createRuntimeDecoder(name);
  if (refused.has(name)) return undefined;
  const iconv = loadIconv();
  return iconv.encodingExists(name) ? () => iconvDecoder(iconv, name) : undefined;
}

type Iconv = Pick<typeof import('iconv-lite'), 'encodingExists' | 'getDecoder'>;

function loadIconv(): Iconv {
  return createRequire(import.meta.url)('iconv-lite') as Iconv;
}

function iconvDecoder(iconv: Iconv, name: string): CharsetDecoder {
  const decoder = iconv.getDecoder(name);
  return {
    write: (octets) => decoder.write(asBuffer(octets)),
    end: () => decoder.end() ?? '',
  };
}
