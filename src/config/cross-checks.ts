/** What is wrong with values that are right each by itself. */
import type { ListenPort } from './kinds.ts';
import type { ServiceConfig } from './load.ts';
import type { Problem } from './problem.ts';

export interface Found {
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** @param services  those that are configured; only what is started is looked at */
export function crossChecks(services: readonly ServiceConfig[]): Found {
  const started = services.filter(({ settings }) => settings.start);
  return {
    errors: portConflicts(started),
    warnings: started.flatMap((service) => [...unreachable(service), ...certificateLogin(service)]),
  };
}

/** Two services cannot have the same port of the same address. */
function portConflicts(services: readonly ServiceConfig[]): Problem[] {
  const taken = new Map<string, string>();
  return services.flatMap((service) =>
    service.settings.ports.flatMap((entry) => {
      const key = endpoint(service, entry);
      const other = taken.get(key);
      taken.set(key, service.scope);
      if (other === undefined) return [];
      const what = other === service.scope ? 'listed twice' : `also a port of the ${other} service`;
      return [problem(service, portSetting(service), `${key} is ${what}`)];
    }),
  );
}

function endpoint({ settings }: ServiceConfig, { address, port }: ListenPort): string {
  const where = address ?? settings.address;
  return where === undefined ? `port ${port}` : `port ${port} of ${where}`;
}

function portSetting({ implicitTls }: ServiceConfig): string {
  return implicitTls ? 'SSLPORT' : 'PORT';
}

/** TLS is required where it cannot be had. */
function unreachable(service: ServiceConfig): Problem[] {
  const { protocol, implicitTls, settings } = service;
  if (implicitTls || !settings.tlsRequired || (settings.startTls && settings.tlsEnabled)) return [];
  const required = protocol === 'imap' ? 'IMAP_TLS_REQUIRED' : 'POP3_TLS_REQUIRED';
  return [problem(service, required, `TLS is required and not offered: nobody can log in to ${protocol}`)];
}

/** TLS_EXTERNAL lets whoever has a certificate in. */
function certificateLogin(service: ServiceConfig): Problem[] {
  const { tlsExternal, tlsVerifyPeer, tlsTrustCerts } = service.settings;
  if (tlsExternal === undefined) return [];
  if (tlsVerifyPeer === 'none')
    return [problem(service, 'TLS_EXTERNAL', 'has no effect: TLS_VERIFYPEER=NONE asks for no certificates')];
  if (tlsTrustCerts === undefined || /^\/etc\/(ssl|pki)\//.test(tlsTrustCerts)) {
    const message =
      'every public authority can vouch for a login; TLS_TRUSTCERTS should be your own authority';
    return [problem(service, 'TLS_EXTERNAL', message)];
  }
  return [];
}

function problem(service: ServiceConfig, setting: string, message: string): Problem {
  const { file, line } = service.variables.get(setting) ?? { file: `${service.scope} service`, line: 0 };
  return { file, line, setting, message };
}
