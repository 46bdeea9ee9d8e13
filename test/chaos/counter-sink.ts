import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import protobuf from 'protobufjs';

// The part of OTLP metrics that counters need
// (https://github.com/open-telemetry/opentelemetry-proto/tree/main/opentelemetry/proto/metrics/v1).
const { root } = protobuf.parse(`
syntax = "proto3";
message Request { repeated ResourceMetrics resource_metrics = 1; }
message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
message Resource { repeated KeyValue attributes = 1; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { string string_value = 1; }
message ScopeMetrics { repeated Metric metrics = 2; }
message Metric { string name = 1; Data gauge = 5; Data sum = 7; }
message Data { repeated Point data_points = 1; }
message Point { double as_double = 4; sfixed64 as_int = 6; }
`);
const requestType = root.lookupType('Request');

interface Metric {
  readonly name: string;
  readonly gauge?: Data;
  readonly sum?: Data;
}

interface Data {
  readonly dataPoints?: readonly { readonly asDouble?: number; readonly asInt?: number }[];
}

interface PushedMetrics {
  readonly resourceMetrics?: readonly {
    readonly resource?: { readonly attributes?: readonly { readonly key: string; readonly value?: AnyValue }[] };
    readonly scopeMetrics?: readonly { readonly metrics?: readonly Metric[] }[];
  }[];
}

interface AnyValue {
  readonly stringValue?: string;
}

/**
 * Where every life of the service pushes its metrics, the last time when all of its parts have stopped: what was dropped
 * during the stop is in it, which no scrape can tell. A life that is killed leaves what it pushed last.
 */
export class CounterSink {
  readonly #server: Server;
  readonly #valuesByLife = new Map<string, ReadonlyMap<string, number>>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<CounterSink> {
    const server = createServer();
    const sink = new CounterSink(server);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      // Does not come when the service is killed in the midst of a push.
      request.on('end', () => {
        sink.#take(Buffer.concat(chunks));
        response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
      });
      request.on('error', () => undefined);
    });
    server.on('clientError', (_, socket) => socket.destroy());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return sink;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The sum of a counter over all lives of the service and all its attributes. */
  total(name: string): number {
    return [...this.#valuesByLife.values()].reduce((sum, values) => sum + (values.get(name) ?? 0), 0);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #take(body: Uint8Array): void {
    const pushed = requestType.toObject(requestType.decode(body), { longs: Number }) as PushedMetrics;
    for (const { resource, scopeMetrics = [] } of pushed.resourceMetrics ?? []) {
      const life = resource?.attributes?.find(({ key }) => key === 'service.instance.id')?.value?.stringValue ?? '';
      const metrics = scopeMetrics.flatMap(({ metrics: own = [] }) => own);
      this.#valuesByLife.set(life, new Map(metrics.map((metric) => [metric.name, sumOf(metric)])));
    }
  }
}

function sumOf({ gauge, sum }: Metric): number {
  const points = (sum ?? gauge)?.dataPoints ?? [];
  return points.reduce((total, { asInt, asDouble }) => total + (asInt ?? asDouble ?? 0), 0);
}
