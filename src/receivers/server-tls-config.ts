import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { ConfigSection } from '../config/config-section.ts';

/** TLS of a server, with the contents of its files. */
export interface ServerTlsConfig {
  readonly certificate: Buffer;
  readonly key: Buffer;
  /** Clients must show a certificate of one of these; `undefined` when they need none. */
  readonly clientAuthority: Buffer | undefined;
  readonly minVersion: TlsVersion;
}

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/**
 * Reads the Collector's `tls` of a server
 * (https://github.com/open-telemetry/opentelemetry-collector/tree/main/config/configtls). The files are read here, so
 * that one that is missing is told together with all other faults of the configuration.
 */
export function readServerTlsConfig(section: ConfigSection): ServerTlsConfig {
  const certificate = readPem(section, 'cert_file', true);
  const key = readPem(section, 'key_file', true);
  const clientAuthority = readPem(section, 'client_ca_file', false);
  const version = section.oneOf('min_version', '1.2', ['1.2', '1.3']);
  section.end();
  checkPair(section, certificate, key);
  return {
    certificate: certificate ?? Buffer.alloc(0),
    key: key ?? Buffer.alloc(0),
    clientAuthority,
    minVersion: `TLSv${version}`,
  };
}

function readPem(section: ConfigSection, key: string, isRequired: boolean): Buffer | undefined {
  const path = section.string(key, '');
  if (path === '') {
    if (isRequired) section.addProblem(key, 'is not set', 'a server needs both cert_file and key_file, as PEM');
    return undefined;
  }
  try {
    return readFileSync(path);
  } catch (error) {
    section.addProblem(key, `cannot read ${path} (${(error as Error).message})`, 'name a readable PEM file');
    return undefined;
  }
}

function checkPair(section: ConfigSection, certificate: Buffer | undefined, key: Buffer | undefined): void {
  if (certificate === undefined || key === undefined) return;
  try {
    createSecureContext({ cert: certificate, key });
  } catch (error) {
    const problem = `certificate and key do not work together (${(error as Error).message})`;
    section.addProblem('cert_file', problem, 'name a certificate and its own key, as PEM');
  }
}
