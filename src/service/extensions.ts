import type { Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { Authenticator } from '../auth/authenticator.ts';
import { createGuard } from '../auth/guard.ts';
import type { ConfiguredComponent } from '../config/check-document.ts';
import type { ComponentType } from '../config/component-type.ts';
import type { HealthStatus } from '../http/health/health-status.ts';
import type { HttpListenerConfig } from '../http/http-listener-config.ts';
import type { HttpMount, HttpPart } from '../http/http-server.ts';
import type { LivePage, LivePageFacts } from '../http/live-page/live-page.ts';
import type { ClientCredentials, RequestGuard } from '../model/authentication.ts';
import type { FileStorage } from '../storage/file-storage.ts';
import type { Clock } from '../support/clock.ts';
import { componentLogger } from '../support/logger.ts';

/** ExtensionParts are what extensions may need; each takes some of them. */
export interface ExtensionParts {
  readonly status: HealthStatus;
  readonly receivers: () => LivePageFacts['receivers'];
  readonly configText: () => string;
  readonly clock: Clock;
  readonly meter: Meter;
  /** Names the extension already. */
  readonly logger: Logger;
}

/** CreatedExtension has a face for each use of an extension. */
export interface CreatedExtension {
  readonly authenticator?: Authenticator;
  readonly storage?: FileStorage;
  readonly page?: LivePage;
  /** Served over HTTP as `listener` says; the two come together. */
  readonly mount?: HttpMount;
  readonly listener?: HttpListenerConfig;
}

/** RunningPage is a live page that a reload may replace. */
export interface RunningPage {
  readonly id: string;
  page: LivePage;
}

/** ExtensionType describes a type of extension. */
export interface ExtensionType<Config = unknown> extends ComponentType<Config> {
  readonly kind: 'extension';
  create(id: string, config: Config, parts: ExtensionParts): CreatedExtension;
}

interface ConfiguredExtensions {
  readonly extensions: ReadonlyMap<string, ConfiguredComponent<ExtensionType>>;
  readonly serviceExtensions: readonly string[];
}

/** The extensions that start, by their faces. */
export class Extensions {
  readonly authenticators: readonly Authenticator[];
  readonly pages: readonly RunningPage[];
  /** By identifier. */
  readonly storages: ReadonlyMap<string, FileStorage>;
  readonly #partsOf: (id: string) => ExtensionParts;
  #created: ReadonlyMap<string, CreatedExtension>;
  readonly #guards: ReadonlyMap<string, RequestGuard>;

  constructor({ extensions, serviceExtensions }: ConfiguredExtensions, { logger, ...parts }: ExtensionParts) {
    const partsOf = (id: string): ExtensionParts => ({ ...parts, logger: componentLogger(logger, 'extension', id) });
    this.#partsOf = partsOf;
    this.#created = new Map(serviceExtensions.map((id) => [id, this.#create(extensions.get(id)!)]));
    const created = [...this.#created.values()];
    this.authenticators = created.flatMap(({ authenticator }) => authenticator ?? []);
    this.pages = [...this.#created].flatMap(([id, { page }]) => (page === undefined ? [] : [{ id, page }]));
    this.storages = new Map(created.flatMap(({ storage }) => (storage === undefined ? [] : [[storage.id, storage]])));
    this.#guards = new Map(
      this.authenticators.flatMap(({ id, verifier }) =>
        verifier === undefined ? [] : [[id, createGuard(id, verifier, partsOf(id))]],
      ),
    );
  }

  #create({ id, type, config }: ConfiguredComponent<ExtensionType>): CreatedExtension {
    return type.create(id, config, this.#partsOf(id));
  }

  /**
   * Creates the extensions `ids` anew, for `serve` to put in the place of the old ones. Where it fails, the old ones go on.
   * Extensions of other faces than a mount are never among them.
   */
  async replace(
    { extensions }: Pick<ConfiguredExtensions, 'extensions'>,
    ids: readonly string[],
    serve: (parts: readonly HttpPart[]) => Promise<void>,
  ): Promise<void> {
    const before = this.#created;
    this.#created = new Map(
      [...before].map(([id, old]) => [id, ids.includes(id) ? this.#create(extensions.get(id)!) : old]),
    );
    try {
      await serve(this.httpParts());
    } catch (error) {
      this.#created = before;
      throw error;
    }
    for (const running of this.pages) running.page = this.#created.get(running.id)?.page ?? running.page;
  }

  /** The guard of a listener that names an authenticator; `undefined` for an empty name. */
  guardOf(authenticator: string): RequestGuard | undefined {
    return this.#guards.get(authenticator);
  }

  /** The credentials of an exporter that names an authenticator; `undefined` for an empty name. */
  credentialsOf(authenticator: string): ClientCredentials | undefined {
    return this.#created.get(authenticator)?.authenticator?.credentials;
  }

  /** The parts that are served over HTTP. Pages come last: health starts first and stops last. */
  httpParts(): HttpPart[] {
    const served = [...this.#created.values()].sort((a, b) => Number('page' in a) - Number('page' in b));
    return served.flatMap(({ mount, listener }) => {
      if (mount === undefined || listener === undefined) return [];
      const { endpoint, tls, authenticator, allowedHosts } = listener;
      return { endpoint, tls, guard: this.guardOf(authenticator), allowedHosts, mount };
    });
  }
}
