import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { messageOf } from '../error-text.ts';
import type { ConfiguredFile } from '../watched-files.ts';
import type { TlsFilesConfig } from './tls-config.ts';

/** Contents of TLS files that are sound and belong together, in the form in which Node takes them. */
export interface PemSet {
  readonly ca: Buffer | undefined;
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
}

/** Reason why a file cannot be used, and the key that names the file. */
export class PemFault extends Error {
  readonly key: string;
  readonly problem: string;
  readonly remedy: string;

  constructor(key: string, problem: string, remedy: string) {
    super(`${key}: ${problem}; ${remedy}.`);
    this.key = key;
    this.problem = problem;
    this.remedy = remedy;
  }
}

/** A bundle of all public authorities has 220 KB. */
const maxFileBytes = 4 * 1024 * 1024;

/** The files that are configured, in the order in which `assemblePemSet` takes their contents. */
export function filesOf({ authority, certificate, privateKey }: TlsFilesConfig): ConfiguredFile[] {
  return [authority, certificate, privateKey].filter((file) => file !== undefined);
}

/** @throws PemFault */
export async function readPem(file: ConfiguredFile): Promise<Buffer> {
  try {
    return await readFile(file.path);
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** @throws PemFault */
export function readPemNow(file: ConfiguredFile): Buffer {
  try {
    return readFileSync(file.path);
  } catch (error) {
    throw unreadable(file, error);
  }
}

/**
 * Checks contents of the files of `filesOf`, so that a file that is half written is never put to use.
 * @throws PemFault
 */
export function assemblePemSet(config: TlsFilesConfig, contents: readonly Uint8Array[]): PemSet {
  const { authority, certificate, privateKey } = config;
  const files = filesOf(config);
  const contentOf = (file: ConfiguredFile | undefined): Buffer | undefined => {
    const bytes = file && contents[files.indexOf(file)];
    return bytes && Buffer.from(bytes);
  };
  const set = { ca: contentOf(authority), cert: contentOf(certificate), key: contentOf(privateKey) };
  if (authority !== undefined) checkCertificates(authority, set.ca!);
  if (certificate !== undefined) checkCertificates(certificate, set.cert!);
  if (certificate !== undefined && privateKey !== undefined) {
    try {
      createSecureContext(set);
    } catch (error) {
      const problem = `certificate and key do not work together (${messageOf(error)})`;
      throw new PemFault(certificate.key, problem, 'name a certificate and its own key, as PEM');
    }
  }
  return set;
}

/** When the first of some certificates, which is one's own, ends; in seconds since the Unix epoch. */
export function notAfterSeconds(certificates: Buffer): number {
  return Math.floor(new X509Certificate(certificates).validToDate.getTime() / 1000);
}

/** OpenSSL skips what it cannot read, and trusts nobody when nothing is left. */
function checkCertificates({ key, path }: ConfiguredFile, content: Buffer): void {
  const remedy = 'name a file of whole certificates, as PEM';
  if (content.length > maxFileBytes) throw new PemFault(key, `${path} has more than ${maxFileBytes} bytes`, remedy);
  const text = content.toString('latin1');
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  const begun = text.match(/-----BEGIN CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new PemFault(key, `${path} has no certificate`, remedy);
  if (begun.length !== blocks.length) throw new PemFault(key, `${path} ends within a certificate`, remedy);
  for (const [index, block] of blocks.entries()) {
    try {
      new X509Certificate(block);
    } catch (error) {
      const problem = `certificate ${index + 1} of ${path} cannot be read (${messageOf(error)})`;
      throw new PemFault(key, problem, remedy);
    }
  }
}

function unreadable({ key, path }: ConfiguredFile, error: unknown): PemFault {
  return new PemFault(key, `cannot read ${path} (${messageOf(error)})`, 'name a PEM file that can be read');
}
