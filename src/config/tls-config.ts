import type { NamedFile } from '../support/named-file.ts';
import { assemblePemSet, filesOf, PemFault, readPemNow } from '../support/tls/pem-set.ts';
import type { ClientTlsConfig, ServerTlsConfig, TlsFilesConfig } from '../support/tls/tls-config.ts';
import type { ConfigSection } from './config-section.ts';
import { formatDurationMs } from './duration.ts';

// Certificates are renewed days before they end; a minute costs three small reads.
const defaultReloadIntervalMs = 60_000;

/**
 * Reads the Collector's `tls` of a server
 * (https://github.com/open-telemetry/opentelemetry-collector/tree/main/config/configtls). The files are looked at here,
 * so that one that is missing is told together with all other faults of the configuration.
 */
export function readServerTlsConfig(section: ConfigSection): ServerTlsConfig {
  const remedy = 'a server needs both cert_file and key_file, as PEM';
  const certificate = readFile(section, 'cert_file');
  const privateKey = readFile(section, 'key_file');
  if (certificate === undefined) section.addProblem('cert_file', 'is not set', remedy);
  if (privateKey === undefined) section.addProblem('key_file', 'is not set', remedy);
  const authority = readFile(section, 'client_ca_file');
  if (!section.boolean('client_ca_file_reload', true)) {
    const problem = 'false is not supported: all files are read again together';
    section.addProblem('client_ca_file_reload', problem, 'remove it, or write reload_interval: 0s');
  }
  const files = { authority, certificate, privateKey, reloadIntervalMs: readInterval(section) };
  const version = section.oneOf('min_version', '1.2', ['1.2', '1.3']);
  section.end();
  checkFiles(section, files);
  return { files, minVersion: `TLSv${version}` };
}

const versions = { '1.0': 'TLSv1', '1.1': 'TLSv1.1', '1.2': 'TLSv1.2', '1.3': 'TLSv1.3' } as const;

/** Reads the Collector's `tls` of a client. The files are looked at when it starts: a destination may be optional. */
export function readClientTlsConfig(section: ConfigSection): ClientTlsConfig {
  const config: ClientTlsConfig = {
    path: section.path,
    insecure: section.boolean('insecure', false),
    insecureSkipVerify: section.boolean('insecure_skip_verify', false),
    files: {
      authority: readFile(section, 'ca_file'),
      certificate: readFile(section, 'cert_file'),
      privateKey: readFile(section, 'key_file'),
      reloadIntervalMs: readInterval(section),
    },
    serverNameOverride: section.string('server_name_override', ''),
    minVersion: versions[section.oneOf('min_version', '1.2', ['1.0', '1.1', '1.2', '1.3'])],
  };
  section.end();
  refuseHalfPair(section, config.files, ['cert_file', 'key_file']);
  return config;
}

/** Files of a client under keys of their own, looked at at once. */
export function readTlsFiles(
  section: ConfigSection,
  keys: Readonly<Record<'authority' | 'certificate' | 'privateKey', string>>,
): TlsFilesConfig {
  const files = {
    authority: readFile(section, keys.authority),
    certificate: readFile(section, keys.certificate),
    privateKey: readFile(section, keys.privateKey),
    reloadIntervalMs: defaultReloadIntervalMs,
  };
  refuseHalfPair(section, files, [keys.certificate, keys.privateKey]);
  checkFiles(section, files);
  return files;
}

/** A certificate without its key, or the reverse. */
function refuseHalfPair(
  section: ConfigSection,
  { certificate, privateKey }: TlsFilesConfig,
  [certificateKey, privateKeyKey]: readonly [string, string],
): void {
  if ((certificate === undefined) === (privateKey === undefined)) return;
  const isCertificate = certificate === undefined;
  const missing = isCertificate ? certificateKey : privateKeyKey;
  const given = isCertificate ? privateKeyKey : certificateKey;
  section.addProblem(missing, `is missing while ${given} is set`, 'set both or neither');
}

/** Whether something is set that only TLS can use. */
export function needsTls({ files, serverNameOverride }: ClientTlsConfig): boolean {
  return files.authority !== undefined || files.certificate !== undefined || serverNameOverride !== '';
}

function readFile(section: ConfigSection, key: string): NamedFile | undefined {
  const path = section.string(key, '');
  if (path.includes('-----BEGIN')) {
    // Its text may be a key, and messages about files name them.
    section.addProblem(key, 'is PEM itself, not the path of a file', 'write it to a file and name that');
    return undefined;
  }
  return path === '' ? undefined : { key, path };
}

/** The Collector reads certificates once unless this is set. */
function readInterval(section: ConfigSection): number {
  const ms = section.durationMs('reload_interval', defaultReloadIntervalMs, { min: 0 });
  if (ms === 0 || ms >= 1_000) return ms;
  section.addProblem(
    'reload_interval',
    `is ${formatDurationMs(ms)}, shorter than a second`,
    'write at least 1s, or 0s to read the files once',
  );
  return ms;
}

function checkFiles(section: ConfigSection, files: TlsFilesConfig): void {
  const report = (error: unknown): undefined => {
    if (!(error instanceof PemFault)) throw error;
    section.addProblem(error.key, error.problem, error.remedy);
  };
  const contents = filesOf(files).map((file) => {
    try {
      return readPemNow(file);
    } catch (error) {
      return report(error);
    }
  });
  if (contents.includes(undefined)) return;
  try {
    assemblePemSet(files, contents as Buffer[]);
  } catch (error) {
    report(error);
  }
}
