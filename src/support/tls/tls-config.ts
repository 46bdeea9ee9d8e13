import type { SecureVersion } from 'node:tls';
import type { ConfiguredFile } from '../watched-files.ts';

/** Files of TLS; `undefined` for each one that is not configured. */
export interface TlsFilesConfig {
  /** Certificates of the authorities that may sign the other side's certificate. */
  readonly authority: ConfiguredFile | undefined;
  readonly certificate: ConfiguredFile | undefined;
  readonly privateKey: ConfiguredFile | undefined;
  /** Interval of looks at the files; 0 = read once. */
  readonly reloadIntervalMs: number;
}

/** TLS of a listener. With an authority, clients must show a certificate that it signed. */
export interface ServerTlsConfig {
  readonly files: TlsFilesConfig;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
}

/** TLS of a client. */
export interface ClientTlsConfig {
  /** Path of the section, for messages about files. */
  readonly path: string;
  readonly files: TlsFilesConfig;
  /** True to connect without TLS. */
  readonly insecure: boolean;
  readonly insecureSkipVerify: boolean;
  /** Name that the certificate must have, and that is sent as authority, instead of the endpoint's; empty = none. */
  readonly serverNameOverride: string;
  readonly minVersion: SecureVersion;
}
