import { isDeepStrictEqual } from 'node:util';
import type { RequestGuard } from '../model/authentication.ts';
import type { GrpcServerDependencies } from './grpc-server.ts';
import { GrpcServer } from './grpc-server.ts';
import type { GrpcServerConfig } from './grpc-server-config.ts';

export interface GrpcServersDependencies extends Omit<GrpcServerDependencies, 'guard'> {
  /** By the extension that a configuration names. */
  readonly guardOf: (authenticator: string) => RequestGuard | undefined;
}

/** The gRPC servers of the service: receivers that name the same endpoint share one. */
export class GrpcServers {
  readonly #dependencies: GrpcServersDependencies;
  #servers: { readonly config: GrpcServerConfig; readonly server: GrpcServer }[] = [];

  constructor(dependencies: GrpcServersDependencies) {
    this.#dependencies = dependencies;
  }

  /** @throws Error when the endpoint has a server already whose other settings differ. */
  at(config: GrpcServerConfig): GrpcServer {
    const existing = this.#servers.find((other) => other.config.endpoint === config.endpoint);
    // Each configuration with port 0 gets a server of its own.
    if (existing === undefined || /:0$/.test(config.endpoint)) {
      const { guardOf, ...parts } = this.#dependencies;
      const server = new GrpcServer(config, { ...parts, guard: guardOf(config.authenticator) });
      this.#servers.push({ config, server });
      return server;
    }
    if (isDeepStrictEqual(existing.config, config)) return existing.server;
    throw new Error(
      `endpoint: ${config.endpoint} has another receiver with other settings; give both the same settings or endpoints of their own`,
    );
  }

  /** Lets go of servers that have stopped: their endpoints get new ones. */
  forgetStopped(): void {
    this.#servers = this.#servers.filter(({ server }) => !server.isStopped);
  }

  setServing(isServing: boolean): void {
    for (const { server } of this.#servers) server.setServing(isServing);
  }
}
