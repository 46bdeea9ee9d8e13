import { assemblePemSet, filesOf, PemFault, readPemNow } from '../support/tls/pem-set.ts';
import type { ClientTlsConfig, ServerTlsConfig, TlsFilesConfig } from '../support/tls/tls-config.ts';
import type { ConfiguredFile } from '../support/watched-files.ts';
import { choice, converted, duration, flag, text } from './config-keys.ts';
import type { ConfigSection } from './config-section.ts';
import type { ConfigKey, ConfigTable } from './config-table.ts';
import { configTable } from './config-table.ts';
import { formatDurationMs } from './duration.ts';

// Certificates are renewed days before they end; a minute costs three small reads.
const defaultReloadIntervalMs = 60_000;

const source = 'https://github.com/open-telemetry/opentelemetry-collector/tree/main/config/configtls';

/** `tls` of a server. The files are read at once, so that a missing file is reported with all other faults. */
export const serverTlsTable: ConfigTable<ServerTlsConfig> = configTable(
  {
    title: 'TLS of a server',
    about: 'TLS of a server; plaintext without the section.',
    source,
    keys: {
      certificate: pemFile('cert_file', 'Certificate of the server, with its chain, as PEM.'),
      privateKey: pemFile('key_file', 'Private key of the certificate, as PEM.'),
      authority: pemFile(
        'client_ca_file',
        'Certificates of the authorities that may have signed the certificates of clients. With the key, clients must show a certificate.',
      ),
      reloads: flag(
        'client_ca_file_reload',
        { fallback: true },
        'Only `true`: `client_ca_file` is read again with the other files.',
      ),
      reloadIntervalMs: reloadInterval(),
      version: choice('min_version', { choices: ['1.2', '1.3'], fallback: '1.2' }, 'Lowest version of TLS.'),
    },
  },
  ({ certificate, privateKey, authority, reloads, reloadIntervalMs, version }, section) => {
    const remedy = 'a server needs both cert_file and key_file, as PEM';
    if (certificate === undefined) section.addProblem('cert_file', 'is not set', remedy);
    if (privateKey === undefined) section.addProblem('key_file', 'is not set', remedy);
    if (!reloads) {
      const problem = 'false is not supported: all files are read again together';
      section.addProblem('client_ca_file_reload', problem, 'remove it, or write reload_interval: 0s');
    }
    const files = { authority, certificate, privateKey, reloadIntervalMs };
    checkFiles(section, files);
    return { files, minVersion: `TLSv${version}` };
  },
);

const versions = { '1.0': 'TLSv1', '1.1': 'TLSv1.1', '1.2': 'TLSv1.2', '1.3': 'TLSv1.3' } as const;

/** `tls` of a client. The client reads the files when it starts: a destination may be switched off. */
export const clientTlsTable: ConfigTable<ClientTlsConfig> = configTable(
  {
    title: 'TLS of a client',
    about: 'TLS of a client.',
    source,
    keys: {
      insecure: flag('insecure', { fallback: false }, 'Connect in plaintext.'),
      insecureSkipVerify: flag('insecure_skip_verify', { fallback: false }, 'Take any certificate of the server.'),
      authority: pemFile(
        'ca_file',
        'Certificates of the authorities that may have signed the certificate of the server, as PEM; without the key, those of the system.',
      ),
      certificate: pemFile('cert_file', 'Certificate of the client, as PEM; needs `key_file`.'),
      privateKey: pemFile('key_file', 'Private key of the certificate, as PEM; needs `cert_file`.'),
      reloadIntervalMs: reloadInterval(),
      serverNameOverride: text(
        'server_name_override',
        { fallback: '' },
        'Name that the certificate of the server must have, instead of the host of the endpoint.',
      ),
      version: choice(
        'min_version',
        { choices: ['1.0', '1.1', '1.2', '1.3'], fallback: '1.2' },
        'Lowest version of TLS.',
      ),
    },
  },
  ({ authority, certificate, privateKey, reloadIntervalMs, version, ...values }, section) => {
    const files = { authority, certificate, privateKey, reloadIntervalMs };
    refuseHalfPair(section, files, ['cert_file', 'key_file']);
    return { ...values, path: section.path, files, minVersion: versions[version] };
  },
);

/** Keys for the files of a client in a section without `tls`. */
export const clientFileKeys = {
  authority: pemFile(
    'certificate',
    'Certificates of the authorities that may have signed the certificate of the server, as PEM.',
  ),
  certificate: pemFile('client_certificate', 'Certificate of the client, as PEM; needs `client_key`.'),
  privateKey: pemFile('client_key', 'Private key of the certificate, as PEM; needs `client_certificate`.'),
};

/** The files of `clientFileKeys`, read at once. */
export function checkClientFiles(
  values: Pick<TlsFilesConfig, 'authority' | 'certificate' | 'privateKey'>,
  section: ConfigSection,
): TlsFilesConfig {
  const files = { ...values, reloadIntervalMs: defaultReloadIntervalMs };
  refuseHalfPair(section, files, [clientFileKeys.certificate.key, clientFileKeys.privateKey.key]);
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

/** Tells settings that only TLS can use. */
export function needsTls({ files, serverNameOverride }: ClientTlsConfig): boolean {
  return files.authority !== undefined || files.certificate !== undefined || serverNameOverride !== '';
}

function pemFile(key: string, meaning: string): ConfigKey<ConfiguredFile | undefined> {
  return converted(text(key, { fallback: '' }, meaning), (path, section) => {
    if (path.includes('-----BEGIN')) {
      // The text may be a key, and messages about files name the path.
      section.addProblem(key, 'is PEM itself, not the path of a file', 'write it to a file and name that');
      return undefined;
    }
    return path === '' ? undefined : { key, path };
  });
}

/** The Collector reads certificates once unless the key is set. */
function reloadInterval(): ConfigKey<number> {
  const meaning = 'Interval at which the files are read again; `0s` reads them once. At least `1s`.';
  const key = duration('reload_interval', { fallback: defaultReloadIntervalMs, min: 0 }, meaning);
  return converted(key, (ms, section) => {
    if (ms !== 0 && ms < 1_000) {
      const problem = `is ${formatDurationMs(ms)}, shorter than a second`;
      section.addProblem('reload_interval', problem, 'write at least 1s, or 0s to read the files once');
    }
    return ms;
  });
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
