import { isDeepStrictEqual } from 'node:util';
import { authSidesOf } from '../auth/auth-extensions.ts';
import type { CheckedConfig } from '../config/check-document.ts';
import type { ConfigProblem } from '../config/config-error.ts';
import type { OtlpGrpcConfig } from '../exporters/otlp-grpc/otlp-grpc-config.ts';
import type { OtlpReceiverConfig } from '../receivers/otlp/otlp-receiver-config.ts';
import { httpListeners, sharedHttpServers } from './http-parts.ts';

/** A place that names an authenticator. */
interface AuthReference {
  /** Of the section that has `auth`. */
  readonly path: string;
  readonly authenticator: string;
  readonly side: 'server' | 'client';
}

/** The identifier of the extension whose credentials an exporter sends; empty without one. */
export function authenticatorOf({ config }: { readonly config: unknown }): string {
  return (config as { readonly authenticator?: string }).authenticator ?? '';
}

/** Authenticators that will not be there or are for the other side, and TLS that parts of one server disagree about. */
export function findSecurityProblems(config: CheckedConfig): ConfigProblem[] {
  return [...findAuthProblems(config), ...findPlaintextCredentials(config), ...findTlsDisagreements(config)];
}

function references(config: CheckedConfig): AuthReference[] {
  const receivers = [...config.receivers.values()].flatMap(({ id, config: receiver }) => {
    const { grpc, http } = receiver as Partial<OtlpReceiverConfig>;
    return Object.entries({ grpc, http }).map(([protocol, server]): AuthReference => {
      const authenticator = server?.authenticator ?? '';
      return { path: `receivers.${id}.protocols.${protocol}`, authenticator, side: 'server' };
    });
  });
  const exporters = [...config.exporters.values()].map((exporter): AuthReference => {
    return { path: `exporters.${exporter.id}`, authenticator: authenticatorOf(exporter), side: 'client' };
  });
  const listeners = httpListeners(config).map(({ path, config: { authenticator } }): AuthReference => {
    return { path, authenticator, side: 'server' };
  });
  return [...receivers, ...exporters, ...listeners].filter(({ authenticator }) => authenticator !== '');
}

/** The first words are the Collector's. */
function findAuthProblems(config: CheckedConfig): ConfigProblem[] {
  return references(config).flatMap(({ path: section, authenticator, side }) => {
    const path = `${section}.auth.authenticator`;
    const extension = config.extensions.get(authenticator);
    const unresolved = `failed to resolve authenticator "${authenticator}"`;
    if (extension === undefined) {
      const remedy = 'configure it under extensions and list it in service.extensions';
      return { path, problem: `${unresolved}: authenticator not found`, remedy };
    }
    if (!authSidesOf(extension).includes(side)) {
      const problem = `${unresolved}: requested authenticator is not a ${side} authenticator`;
      const basic = side === 'server' ? 'basicauth with htpasswd' : 'basicauth with client_auth';
      return { path, problem, remedy: `name a bearertokenauth, or a ${basic}` };
    }
    if (config.serviceExtensions.includes(authenticator)) return [];
    return {
      path,
      problem: `${unresolved}: it is configured but does not start`,
      remedy: 'list it in service.extensions',
    };
  });
}

/** As in the Collector, whose gRPC sends credentials over TLS alone. */
function findPlaintextCredentials({ exporters }: CheckedConfig): ConfigProblem[] {
  return [...exporters.values()].flatMap((exporter) => {
    if (exporter.type.type !== 'otlp_grpc' || authenticatorOf(exporter) === '') return [];
    const { isTls, endpoint } = exporter.config as OtlpGrpcConfig;
    if (isTls || endpoint === undefined) return [];
    const problem = 'the credentials require transport level security, and the endpoint is without TLS';
    return { path: `exporters.${exporter.id}.auth`, problem, remedy: 'use TLS, or remove auth' };
  });
}

function findTlsDisagreements(config: CheckedConfig): ConfigProblem[] {
  return sharedHttpServers(config).flatMap(([first, ...others]) =>
    others
      .filter((other) => !isDeepStrictEqual(other.config.tls, first!.config.tls))
      .map(({ path, config: { endpoint } }) => ({
        path: `${path}.tls`,
        problem: `differs from that of ${first!.path}, which shares the server at ${endpoint.host}:${endpoint.port}`,
        remedy: 'give both the same tls or endpoints of their own',
      })),
  );
}
