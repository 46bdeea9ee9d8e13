import { isDeepStrictEqual } from 'node:util';
import type { GrpcServerDependencies } from './grpc-server.ts';
import { GrpcServer } from './grpc-server.ts';
import type { GrpcServerConfig } from './grpc-server-config.ts';

/** The gRPC servers of the service: receivers that name the same endpoint share one. */
export class GrpcServers {
  readonly #dependencies: GrpcServerDependencies;
  readonly #servers: { readonly config: GrpcServerConfig; readonly server: GrpcServer }[] = [];

  constructor(dependencies: GrpcServerDependencies) {
    this.#dependencies = dependencies;
  }

  /** @throws Error when the endpoint has a server already whose other settings differ. */
  at(config: GrpcServerConfig): GrpcServer {
    const existing = this.#servers.find((other) => other.config.endpoint === config.endpoint);
    // Each one that asks for any free port gets its own.
    if (existing === undefined || /:0$/.test(config.endpoint)) {
      const server = new GrpcServer(config, this.#dependencies);
      this.#servers.push({ config, server });
      return server;
    }
    if (isDeepStrictEqual(existing.config, config)) return existing.server;
    throw new Error(
      `endpoint: ${config.endpoint} has another receiver with other settings; give both the same settings or endpoints of their own`,
    );
  }

  setServing(isServing: boolean): void {
    for (const { server } of this.#servers) server.setServing(isServing);
  }
}
