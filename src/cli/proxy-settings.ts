/** The login proxy's part of the settings, and the files it names. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { type Config, serviceNames } from '../config/load.ts';
import type { Problem } from '../config/problem.ts';
import type { ImapSettings, Pop3Settings } from '../config/settings.ts';
import type { ProxySettings } from '../login/proxy/proxy.ts';
import { trustPaths } from '../tls/certificate-files.ts';

/** @throws {Error} the authorities cannot be read; `checkProxyFiles` says so before */
export function proxySettings(settings: ImapSettings | Pop3Settings): ProxySettings {
  return {
    ownNames: [settings.proxyHostname, hostname()].filter((name) => name !== ''),
    foreign: 'proxyForeign' in settings && settings.proxyForeign,
    backend: {
      tls: settings.proxyTls,
      trusted: readAuthorities(settings.proxyTrustCerts),
      sendProxyHeader: settings.proxySendAddress,
      timeoutMs: settings.proxySeconds * 1000,
    },
  };
}

/** What is wrong with PROXY_TLS_TRUSTCERTS, where a proxy is on. */
export function checkProxyFiles(config: Config): Problem[] {
  for (const name of serviceNames) {
    const service = config[name];
    if (!service?.settings.proxy) continue;
    try {
      readAuthorities(service.settings.proxyTrustCerts);
    } catch (error) {
      const setting = 'PROXY_TLS_TRUSTCERTS';
      const { file, line } = service.variables.get(setting) ?? { file: config.directory, line: 0 };
      return [{ file, line, setting, message: error instanceof Error ? error.message : String(error) }];
    }
  }
  return [];
}

/** PEM; undefined: the runtime's authorities. @throws {Error} names the file that has no certificate */
function readAuthorities(trustCerts: string | undefined): string | undefined {
  if (trustCerts === undefined) return undefined;
  const texts = trustPaths(trustCerts).map((path) => {
    try {
      const pem = readFileSync(path, 'latin1');
      new X509Certificate(pem);
      return pem;
    } catch (error) {
      throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  });
  return texts.join('\n');
}
