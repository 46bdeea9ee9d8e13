import type { Component } from '../../support/lifecycle.ts';
import type { Secret } from '../../support/secret.ts';
import { version } from '../../support/version.ts';
import type { ExporterDependencies, ExporterType } from '../exporter-type.ts';
import { tlsFiles } from '../exporter-type.ts';
import { otlpFromEnvironment } from '../otlp-environment.ts';
import type { ProfilesExporter } from '../profiles-exporter.ts';
import { QueuedExporter } from '../queued-exporter.ts';
import { SwitchedOffExporter } from '../switched-off-exporter.ts';
import { secretsOf, withoutSecrets } from '../without-secrets.ts';
import { OtlpHttpClient } from './client.ts';
import type { OtlpHttpConfig } from './otlp-http-config.ts';
import { otlpHttpTable } from './otlp-http-config.ts';

export interface OtlpHttpDependencies extends ExporterDependencies {
  /** Of this service, for the user agent. */
  readonly version: string;
}

/** Sends profiles to a receiver of OTLP over HTTP. */
export function createOtlpHttpExporter(
  id: string,
  config: OtlpHttpConfig,
  dependencies: OtlpHttpDependencies,
): Component & ProfilesExporter {
  const { url, headers, proxyUrl } = config;
  if (url === undefined) return new SwitchedOffExporter(id, dependencies.logger, 'its endpoint is empty');
  const http = new OtlpHttpClient(config, url, { id, ...dependencies });
  const client = withoutSecrets(http, () => [
    ...secretsOf(headers, dependencies.credentials),
    ...proxySecrets(proxyUrl),
    // Of a URL's query, where some receivers want their token.
    ...url.searchParams.values(),
  ]);
  return new QueuedExporter(id, client, config, dependencies);
}

/** A proxy gets user and password as basic auth. */
function proxySecrets(proxyUrl: Secret | undefined): string[] {
  if (proxyUrl === undefined) return [];
  const { username, password } = new URL(proxyUrl.reveal());
  if (username === '' && password === '') return [];
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return [password, `Basic ${Buffer.from(pair).toString('base64')}`];
}

export const otlpHttpExporterType: ExporterType<OtlpHttpConfig> = {
  kind: 'exporter',
  type: 'otlp_http',
  aliases: ['otlphttp'],
  stability: 'alpha',
  table: otlpHttpTable,
  fromEnvironment: (values, env, report) =>
    otlpFromEnvironment(values, env, report, { base: 'endpoint', whole: 'profiles_endpoint' }),
  sendsTo: ({ url, proxyUrl }) => {
    // Behind a proxy, names and addresses are those of the proxy's side.
    if (url === undefined || proxyUrl !== undefined) return undefined;
    const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
    return { path: 'endpoint', host: url.hostname.replace(/^\[|\]$/g, ''), port };
  },
  needs: ({ url, tls }) => (url === undefined ? [] : tlsFiles(tls)),
  queueOf: ({ queue }) => queue,
  refersTo: ({ queue, authenticator }) => ({ storage: queue.storage, authenticator }),
  create: (id, config, dependencies) => createOtlpHttpExporter(id, config, { ...dependencies, version }),
};
