import { parseEndpoint } from '../../config/endpoint.ts';
import type { Component } from '../../support/lifecycle.ts';
import { version } from '../../support/version.ts';
import type { ExporterDependencies, ExporterType } from '../exporter-type.ts';
import { tlsFiles } from '../exporter-type.ts';
import { otlpFromEnvironment } from '../otlp-environment.ts';
import type { ProfilesExporter } from '../profiles-exporter.ts';
import { QueuedExporter } from '../queued-exporter.ts';
import { SwitchedOffExporter } from '../switched-off-exporter.ts';
import { secretsOf, withoutSecrets } from '../without-secrets.ts';
import { OtlpGrpcClient } from './client.ts';
import type { OtlpGrpcConfig } from './otlp-grpc-config.ts';
import { otlpGrpcTable } from './otlp-grpc-config.ts';

export interface OtlpGrpcDependencies extends ExporterDependencies {
  /** Of this service, for the user agent. */
  readonly version: string;
}

/** Sends profiles to a receiver of OTLP over gRPC. */
export function createOtlpGrpcExporter(
  id: string,
  config: OtlpGrpcConfig,
  dependencies: OtlpGrpcDependencies,
): Component & ProfilesExporter {
  const { logger, credentials } = dependencies;
  if (config.endpoint === undefined) return new SwitchedOffExporter(id, logger, 'its endpoint is empty');
  const grpc = new OtlpGrpcClient(config, config.endpoint.target, { id, ...dependencies });
  const client = withoutSecrets(grpc, () => secretsOf(config.headers, credentials));
  return new QueuedExporter(id, client, config, dependencies);
}

export const otlpGrpcExporterType: ExporterType<OtlpGrpcConfig> = {
  kind: 'exporter',
  type: 'otlp_grpc',
  aliases: ['otlp'],
  stability: 'alpha',
  table: otlpGrpcTable,
  fromEnvironment: (values, env, report) =>
    otlpFromEnvironment(values, env, report, { base: 'endpoint', whole: 'endpoint' }),
  sendsTo: ({ endpoint }) => {
    const address = endpoint && parseEndpoint(endpoint.target.replace(/^dns:(\/\/[^/]*\/)?/, ''));
    return address && { path: 'endpoint', ...address };
  },
  needs: ({ endpoint, tls }) => (endpoint === undefined ? [] : tlsFiles(tls)),
  queueOf: ({ queue }) => queue,
  refersTo: ({ queue, authenticator }) => ({ storage: queue.storage, authenticator }),
  create: (id, config, dependencies) => createOtlpGrpcExporter(id, config, { ...dependencies, version }),
};
