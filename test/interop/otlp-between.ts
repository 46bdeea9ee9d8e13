import { childConfig } from '../support/child-config.ts';
import { freePorts } from '../support/free-ports.ts';
import { startChild } from './framekeeper.ts';

/** Our service with OTLP in and out, as users run it: a process of its own, with a configuration file. */
export interface Between {
  /** host:port */
  readonly grpcEndpoint: string;
  /** Base URL. */
  readonly httpEndpoint: string;
  readonly ports: BetweenPorts;
  /** Requests passed on so far, by way: `as_it_was`, `named`, `inlined`, or `rebuilt` with the reason. */
  passedRequests(): Promise<ReadonlyMap<string, number>>;
  /** Stops it, so that its queues are sent. @throws Error unless it ended by itself with code 0. */
  stop(): Promise<void>;
}

export interface BetweenPorts {
  readonly grpc: number;
  readonly http: number;
}

/** Exporters of a configuration, ours or a Collector's, by identifier. */
export type Exporters = Readonly<Record<string, object>>;

/**
 * Starts the service with its files in `folder`, on free ports unless some are given; resolves when it is healthy. With a `cycle`,
 * settings of the reporting cycle, it may let requests leave with the report.
 */
export async function startBetween(
  folder: string,
  exporters: Exporters,
  given?: BetweenPorts,
  cycle?: object,
): Promise<Between> {
  const [grpc, http, healthPort, metricsPort] = (await freePorts(4)) as [number, number, number, number];
  const ports = given ?? { grpc, http };
  const grpcEndpoint = `127.0.0.1:${ports.grpc}`;
  const httpEndpoint = `127.0.0.1:${ports.http}`;
  const processors = { symbol_store: {}, ...(cycle && { reporting_cycle: cycle }) };
  const document = childConfig({
    receivers: {
      otlp: { protocols: { grpc: { endpoint: grpcEndpoint }, http: { endpoint: httpEndpoint } } },
    },
    processors,
    exporters,
    ...{ healthPort, metricsPort },
  });
  const child = await startChild(folder, document, healthPort);
  return {
    grpcEndpoint,
    httpEndpoint: `http://${httpEndpoint}`,
    ports,
    passedRequests: async () => {
      const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
      const lines = text.matchAll(/^framekeeper_otlp_passed_requests(?:_total)?\{(.*)\} (\d+)$/gm);
      return new Map([...lines].map(([, labels = '', count]) => [wayOf(labels), Number(count)]));
    },
    stop: async () => {
      const code = await child.stop();
      if (code !== 0) throw new Error(`Framekeeper ended with code ${code}:\n${child.output()}`);
    },
  };
}

function wayOf(labels: string): string {
  const [, way = ''] = /way="(\w+)"/.exec(labels) ?? [];
  const [, reason] = /reason="(\w+)"/.exec(labels) ?? [];
  return reason === undefined ? way : `${way}: ${reason}`;
}

/** Where to send, and how. */
export interface Ways {
  /** host:port, base URL. */
  readonly to: { readonly grpcEndpoint: string; readonly httpEndpoint: string };
  readonly grpcCompressions: readonly string[];
  readonly httpCompressions: readonly string[];
  /** Of every exporter. */
  readonly settings?: object;
}

/** An exporter for each way; protobuf and JSON over HTTP. `name` tells several places to send to apart. */
export function exportersOf(name: string, { to, grpcCompressions, httpCompressions, settings }: Ways): Exporters {
  const exporters: Record<string, object> = {};
  for (const compression of grpcCompressions) {
    const endpoint = to.grpcEndpoint;
    exporters[`otlp_grpc/${name}-${compression}`] = { endpoint, tls: { insecure: true }, compression, ...settings };
  }
  for (const encoding of ['proto', 'json']) {
    for (const compression of httpCompressions) {
      const endpoint = to.httpEndpoint;
      exporters[`otlp_http/${name}-${encoding}-${compression}`] = { endpoint, encoding, compression, ...settings };
    }
  }
  return exporters;
}
