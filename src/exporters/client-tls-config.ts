import { readFile } from 'node:fs/promises';
import type { SecureContext, SecureVersion } from 'node:tls';
import { createSecureContext } from 'node:tls';
import type { ConfigSection } from '../config/config-section.ts';

/** `tls` of a client, with the Collector's keys and defaults. Paths are empty when not set. */
export interface ClientTlsConfig {
  /** Path of the section, for messages about files that cannot be read at start. */
  readonly path: string;
  /** Whether to connect without TLS. */
  readonly insecure: boolean;
  readonly insecureSkipVerify: boolean;
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** Name that the certificate must have, and that is sent as authority, instead of the endpoint's. */
  readonly serverNameOverride: string;
  readonly minVersion: SecureVersion;
}

const versions = { '1.0': 'TLSv1', '1.1': 'TLSv1.1', '1.2': 'TLSv1.2', '1.3': 'TLSv1.3' } as const;
const fileKeys = { caFile: 'ca_file', certFile: 'cert_file', keyFile: 'key_file' } as const;

export function readClientTlsConfig(section: ConfigSection): ClientTlsConfig {
  const config: ClientTlsConfig = {
    path: section.path,
    insecure: section.boolean('insecure', false),
    insecureSkipVerify: section.boolean('insecure_skip_verify', false),
    caFile: section.string('ca_file', ''),
    certFile: section.string('cert_file', ''),
    keyFile: section.string('key_file', ''),
    serverNameOverride: section.string('server_name_override', ''),
    minVersion: versions[section.oneOf('min_version', '1.2', ['1.0', '1.1', '1.2', '1.3'])],
  };
  section.end();
  if ((config.certFile === '') !== (config.keyFile === '')) {
    const [missing, given] = config.certFile === '' ? ['cert_file', 'key_file'] : ['key_file', 'cert_file'];
    section.addProblem(missing, `is missing while ${given} is set`, 'set both or neither');
  }
  return config;
}

/** Whether something is set that only TLS can use. */
export function needsTls({ caFile, certFile, serverNameOverride }: ClientTlsConfig): boolean {
  return caFile !== '' || certFile !== '' || serverNameOverride !== '';
}

/** Reads the files. @throws Error that names the key and the file that cannot be used. */
export async function loadSecureContext(config: ClientTlsConfig): Promise<SecureContext> {
  const [ca, cert, key] = await Promise.all([
    readPem(config, 'caFile'),
    readPem(config, 'certFile'),
    readPem(config, 'keyFile'),
  ]);
  try {
    return createSecureContext({ ca, cert, key, minVersion: config.minVersion });
  } catch (cause) {
    const files = [config.caFile, config.certFile, config.keyFile].filter((file) => file !== '').join(', ');
    throw new Error(
      `${config.path}: cannot use ${files} (${(cause as Error).message}); give PEM files that belong together.`,
      {
        cause,
      },
    );
  }
}

async function readPem(config: ClientTlsConfig, field: keyof typeof fileKeys): Promise<Buffer | undefined> {
  const file = config[field];
  if (file === '') return undefined;
  try {
    return await readFile(file);
  } catch (cause) {
    const key = `${config.path}.${fileKeys[field]}`;
    throw new Error(`${key}: cannot read ${file} (${(cause as Error).message}); name a PEM file that can be read.`, {
      cause,
    });
  }
}
