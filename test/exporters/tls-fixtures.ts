import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsOptions } from 'node:tls';

const fixture = (name: string): string => join(import.meta.dirname, 'fixtures', name);

/** For a server: a certificate for `localhost`; `mutualTls` wants one of the client, too. */
export const serverTls: TlsOptions = {
  key: readFileSync(fixture('server-key.pem')),
  cert: readFileSync(fixture('server.pem')),
};
export const mutualTls: TlsOptions = {
  ...serverTls,
  ca: readFileSync(fixture('ca.pem')),
  requestCert: true,
  rejectUnauthorized: true,
};

/** For an exporter's `tls`: who signed the server's certificate, and a certificate to show. */
export const ca: Record<string, string> = { ca_file: fixture('ca.pem') };
export const client: Record<string, string> = { cert_file: fixture('client.pem'), key_file: fixture('client-key.pem') };
/** A certificate with another's key. */
export const mismatched: Record<string, string> = { ...client, key_file: fixture('server-key.pem') };
