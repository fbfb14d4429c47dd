/** The options of Courier's listener and logger, which sites write into TCPDOPTS and LOGGEROPTS. */
import { type Kind, programOptions, ValueRefusal } from './kinds.ts';

/** A list of addresses in DNS, `-block=ZONE,VAR/127.0.0.2,MSG` or `-allow=` (frontend-tls-ops §2.5). */
export interface DnsList {
  readonly kind: 'block' | 'allow';
  readonly zone: string;
  /** The name shown instead of the zone. */
  readonly shown: string;
  /** The variable it sets: `-block` to a message, `-allow` to nothing. One that is set already stays. */
  readonly variable: string;
  /** The one record that counts; undefined: whichever within 127.0.0.0/8. */
  readonly answer: string | undefined;
  /** `@` stands for the address; `*` is the text of the list; undefined: `Blacklisted by ZONE`. */
  readonly message: string | undefined;
}

/** Where a PROXY header comes first; neither address nor port: everywhere. */
export interface ProxyHeader {
  readonly timeoutSeconds: number;
  readonly address: string | undefined;
  readonly port: number | undefined;
}

/** TCPDOPTS; undefined where nothing is said (frontend-tls-ops §2). */
export interface ListenerOptions {
  readonly accessFile: string | undefined;
  /** Local addresses are looked up in the access file too. */
  readonly accessLocal: boolean;
  /** Sent to those whom the access file or a DNS list refuses. */
  readonly denyMessage: string;
  readonly maxConnections: number | undefined;
  readonly maxPerAddress: number | undefined;
  /** Connections from an IPv4 /24 or IPv6 /120. */
  readonly maxPerBlock: number | undefined;
  readonly warnAt: number | undefined;
  readonly reverseLookup: boolean;
  /** In their order: the first that says something about a variable decides it. */
  readonly dnsLists: readonly DnsList[];
  /** The variables whose content refuses a client. */
  readonly drop: readonly string[];
  readonly proxyHeaders: readonly ProxyHeader[];
}

type Draft = { -readonly [Field in keyof ListenerOptions]: ListenerOptions[Field] };
type Setter = (draft: Draft, value: string) => void;

const ignore: Setter = () => {};

/** `-noidentlookup` ends Courier's listener since 5.2.7, and stands in many files from before. */
const listenerSetters: Readonly<Record<string, Setter>> = {
  access: (draft, value) => {
    draft.accessFile = value;
  },
  accesslocal: (draft) => {
    draft.accessLocal = true;
  },
  denymsg: (draft, value) => {
    draft.denyMessage = value;
  },
  maxprocs: (draft, value) => {
    draft.maxConnections = positive('maxprocs', value);
  },
  maxperip: (draft, value) => {
    draft.maxPerAddress = positive('maxperip', value);
  },
  maxperc: (draft, value) => {
    draft.maxPerBlock = positive('maxperc', value);
  },
  warn: (draft, value) => {
    draft.warnAt = positive('warn', value);
  },
  nodnslookup: (draft) => {
    draft.reverseLookup = false;
  },
  block: (draft, value) => {
    draft.dnsLists = [...draft.dnsLists, readDnsList('block', value)];
  },
  allow: (draft, value) => {
    draft.dnsLists = [...draft.dnsLists, readDnsList('allow', value)];
  },
  drop: (draft, value) => {
    draft.drop = value === '' ? ['BLOCK'] : value.split(',');
  },
  haproxy: (draft, value) => {
    draft.proxyHeaders = value === '' ? [readProxyHeader('')] : value.split(',').map(readProxyHeader);
  },
  noidentlookup: ignore,
  listen: ignore,
  proxy: ignore,
  address: ignore,
  user: ignore,
  group: ignore,
  pid: ignore,
  stderr: ignore,
  stderrlogger: ignore,
  stderrloggername: ignore,
};

/** TCPDOPTS. The last of equal options counts; `-block` and `-allow` add up. */
export const listenerOptions: Kind<ListenerOptions> = {
  allowed: "options of Courier's listener separated by blanks, e.g. -nodnslookup -access=FILE -maxperc=10",
  read: (value) => {
    const draft: Draft = {
      accessFile: undefined,
      accessLocal: false,
      denyMessage: '',
      maxConnections: undefined,
      maxPerAddress: undefined,
      maxPerBlock: undefined,
      warnAt: undefined,
      reverseLookup: true,
      dnsLists: [],
      drop: [],
      proxyHeaders: [],
    };
    for (const { name, option, argument } of readOptions(value)) {
      const set = Object.hasOwn(listenerSetters, name) ? listenerSetters[name] : undefined;
      if (set === undefined) throw new ValueRefusal(`Invalid option: ${option}`);
      set(draft, argument);
    }
    return draft;
  },
};

/** LOGGEROPTS: what log lines are marked with; undefined where nothing is said. */
export interface LoggerOptions {
  readonly name: string | undefined;
  readonly facility: string | undefined;
}

const facilities = /^(auth|authpriv|cron|daemon|kern|lpr|mail|news|user|uucp|local[0-7])$/;

/** LOGGEROPTS (frontend-tls-ops §10). */
export const loggerOptions: Kind<LoggerOptions> = {
  allowed: "options of Courier's logger separated by blanks: -name=NAME -facility=FACILITY",
  read: (value) => {
    let name: string | undefined;
    let facility: string | undefined;
    for (const { name: option, argument } of readOptions(value)) {
      if (option === 'name') name = argument;
      else if (option === 'facility') facility = argument;
    }
    if (facility !== undefined && !facilities.test(facility))
      throw new ValueRefusal(`"${facility}" is not a facility of syslog`);
    return { name, facility };
  },
};

/** `-name` and `-name=argument`; a lone `-` or a word without it ends them. */
function readOptions(value: string): { name: string; option: string; argument: string }[] {
  return programOptions.read(value).map((option) => {
    if (!/^-[^-]/.test(option)) throw new ValueRefusal(`Invalid option: ${option}`);
    const equals = option.indexOf('=');
    const end = equals < 0 ? option.length : equals;
    return { name: option.slice(1, end), option, argument: option.slice(end + 1) };
  });
}

function positive(name: string, value: string): number {
  if (!/^[1-9]\d{0,9}$/.test(value)) throw new ValueRefusal(`-${name} needs a number from 1`);
  return Number(value);
}

function readDnsList(kind: DnsList['kind'], value: string): DnsList {
  const [list = '', place = '', ...message] = value.split(',');
  const [zone = '', shown = ''] = list.split('=');
  const [name = '', answer] = place.split('/');
  if (zone === '') throw new ValueRefusal('a DNS list needs a zone');
  return {
    kind,
    zone,
    shown: shown || zone,
    variable: name || 'BLOCK',
    answer,
    message: message.length === 0 ? undefined : message.join(','),
  };
}

/** `[seconds][/port=[IP.]N]` (frontend-tls-ops §2.6). */
function readProxyHeader(entry: string): ProxyHeader {
  const match = /^(\d{0,4})(?:\/port=(?:(.+)\.)?(\d{1,5}))?$/.exec(entry);
  if (match === null) throw new ValueRefusal(`-haproxy=${entry} cannot be read`);
  const [, seconds = '', address, port] = match;
  return {
    timeoutSeconds: seconds === '' ? 15 : Number(seconds),
    address,
    port: port === undefined ? undefined : Number(port),
  };
}
