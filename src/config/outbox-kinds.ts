/** The kinds of values the Outbox's settings have. */
import { type Kind, ValueRefusal } from './kinds.ts';

/** A folder's directory name: `.Outbox`. */
export const folderDirectory: Kind<string> = {
  allowed: 'the name of a folder with its dot, as .Outbox',
  read: (value) => {
    if (!/^\.[^./][^/]*$/.test(value)) throw new ValueRefusal(`"${value}" is not a folder's directory`);
    return value;
  },
};

/** A host that takes mail. */
export interface SmartHost {
  readonly host: string;
  readonly port: number;
  /** TLS from the beginning, with a certificate that is checked. */
  readonly secure: boolean;
}

/** `mail.example.com`, `[::1]:2525`, `smtps://mail.example.com`. */
export const smartHost: Kind<SmartHost> = {
  allowed: 'host, host:port, [IPv6 address]:port, or smtps:// in front of one of them',
  read: (value) => {
    const [, scheme, six, name, digits] =
      /^(smtps?:\/\/)?(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(value) ?? [];
    const host = six ?? name;
    if (host === undefined) throw new ValueRefusal(`"${value}" is not a host`);
    const secure = scheme === 'smtps://';
    const port = digits === undefined ? (secure ? 465 : 25) : Number(digits);
    if (port < 1 || port > 65_535) throw new ValueRefusal(`${digits} is not a port`);
    return { host, port, secure };
  },
};
