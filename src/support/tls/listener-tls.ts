import type { Server } from 'node:tls';
import type { PemSet } from './pem-set.ts';
import type { ServerTlsConfig } from './tls-config.ts';
import type { TlsFilesDependencies } from './tls-files.ts';
import { TlsFiles } from './tls-files.ts';

/** TLS of one HTTPS server: `serverOptions` create the server, and the certificate is set before the server listens. */
export class ListenerTls {
  readonly serverOptions: { readonly requestCert: boolean; readonly rejectUnauthorized: boolean };
  readonly #files: TlsFiles;
  readonly #minVersion: ServerTlsConfig['minVersion'];
  #server: Server | undefined;

  constructor({ files, minVersion }: ServerTlsConfig, dependencies: TlsFilesDependencies) {
    const isMutual = files.authority !== undefined;
    this.serverOptions = { requestCert: isMutual, rejectUnauthorized: isMutual };
    this.#minVersion = minVersion;
    this.#files = new TlsFiles(files, dependencies, (set) => this.#set(set));
  }

  /** @throws Error that names the key and the file that cannot be used */
  async start(server: Server): Promise<void> {
    this.#server = server;
    this.#set(await this.#files.start());
  }

  stop(): void {
    this.#files.stop();
  }

  /** For connections to come; open connections stay as they are. */
  #set(set: PemSet): void {
    this.#server!.setSecureContext({ ...set, minVersion: this.#minVersion });
  }
}
