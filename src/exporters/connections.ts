import { arch, platform } from 'node:os';
import type { SecureContext } from 'node:tls';
import { createSecureContext } from 'node:tls';
import type { PemSet } from '../support/tls/pem-set.ts';
import type { ClientTlsConfig } from '../support/tls/tls-config.ts';
import type { TlsFilesDependencies } from '../support/tls/tls-files.ts';
import { TlsFiles } from '../support/tls/tls-files.ts';

/** Makes and ends the connections of a client. */
export interface ConnectionKind<Pool> {
  /** Opens nothing yet. `undefined`: without TLS. */
  readonly create: (context: SecureContext | undefined) => Pool;
  /** Ends them at once. */
  readonly destroy: (pool: Pool) => void | Promise<void>;
}

interface Held<Pool> {
  readonly pool: Pool;
  useCount: number;
}

/**
 * The connections of one exporter. When its TLS files change, new ones take their place; those before end with the last
 * request that is under way on them.
 */
export class Connections<Pool> {
  readonly #kind: ConnectionKind<Pool>;
  readonly #minVersion: ClientTlsConfig['minVersion'];
  readonly #tlsFiles: TlsFiles | undefined;
  #current: Held<Pool> | undefined;
  readonly #former = new Set<Held<Pool>>();

  constructor(
    tls: ClientTlsConfig,
    isTls: boolean,
    kind: ConnectionKind<Pool>,
    parts: Omit<TlsFilesDependencies, 'path'>,
  ) {
    this.#kind = kind;
    this.#minVersion = tls.minVersion;
    const dependencies = { ...parts, path: tls.path };
    this.#tlsFiles = isTls ? new TlsFiles(tls.files, dependencies, (set) => this.#replace(set)) : undefined;
  }

  /** @throws Error that names the key and the file that cannot be used */
  async start(): Promise<void> {
    this.#current = this.#hold(await this.#tlsFiles?.start());
  }

  /** Lets `send` use the connections that are current now. */
  async use<Answer>(send: (pool: Pool) => Promise<Answer>): Promise<Answer> {
    const held = this.#current!;
    held.useCount++;
    try {
      return await send(held.pool);
    } finally {
      held.useCount--;
      if (held.useCount === 0 && this.#former.delete(held)) void this.#kind.destroy(held.pool);
    }
  }

  /** Ends all. May be called without a start. */
  async close(): Promise<void> {
    this.#tlsFiles?.stop();
    const held = this.#current === undefined ? [] : [this.#current, ...this.#former];
    this.#former.clear();
    await Promise.all(held.map(({ pool }) => this.#kind.destroy(pool)));
  }

  #replace(set: PemSet): void {
    const former = this.#current!;
    this.#current = this.#hold(set);
    if (former.useCount === 0) void this.#kind.destroy(former.pool);
    else this.#former.add(former);
  }

  #hold(set: PemSet | undefined): Held<Pool> {
    const context = set && createSecureContext({ ...set, minVersion: this.#minVersion });
    return { pool: this.#kind.create(context), useCount: 0 };
  }
}

/** User agent of exporters, in the form of the Collector's: `Framekeeper/0.1.0 (linux/amd64)`. */
export function userAgentOf(version: string): string {
  return `Framekeeper/${version} (${platform()}/${goNames[arch()] ?? arch()})`;
}

const goNames: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };
