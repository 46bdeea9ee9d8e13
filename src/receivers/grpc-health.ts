import type {
  MethodDefinition,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  sendUnaryData,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ProtobufReader } from '../otlp/protobuf/protobuf-reader.ts';
import { ProtobufWriter } from '../otlp/protobuf/protobuf-writer.ts';
import { loadPackage } from '../support/lazy-package.ts';

interface HealthRequest {
  readonly service: string;
}

interface HealthResponse {
  readonly status: HealthStatus;
}

type HealthStatus = 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN';
type WatchCall = ServerWritableStream<HealthRequest, HealthResponse>;

/** A client that watches more than this in parallel has lost count. */
const mostWatchers = 256;

/**
 * The handlers of `grpc.health.v1.Health` (https://github.com/grpc/grpc/blob/master/doc/health-checking.md). The
 * package grpc-health-check has handlers too, but its watchers cannot be ended, so that one client that watches would
 * hold up every stop until the deadline, and it holds 4 MB of protobuf for four messages; its description of the service
 * serves reflection.
 */
export class GrpcHealth {
  /** Names of the services that have a status; the empty name is the whole server. */
  readonly #services = new Set(['']);
  readonly #watchers = new Set<WatchCall>();
  #isServing = false;

  addService(name: string): void {
    this.#services.add(name);
  }

  setServing(isServing: boolean): void {
    if (isServing === this.#isServing) return;
    this.#isServing = isServing;
    for (const call of this.#watchers) call.write({ status: this.#statusOf(call.request.service) });
  }

  /** Ends every watch, so that their connections can close. */
  endWatches(): void {
    for (const call of this.#watchers) call.emit('error', { code: status.UNAVAILABLE, details: 'the service stops' });
    this.#watchers.clear();
  }

  handlers(): UntypedServiceImplementation {
    return {
      check: (call: ServerUnaryCall<HealthRequest, HealthResponse>, reply: sendUnaryData<HealthResponse>) => {
        const { service } = call.request;
        if (this.#services.has(service)) return reply(null, { status: this.#statusOf(service) });
        reply({ code: status.NOT_FOUND, details: `no service of this name is served: ${service.slice(0, 200)}` });
      },
      watch: (call: WatchCall) => this.#watch(call),
      list: (_call: unknown, reply: sendUnaryData<{ statuses: Record<string, HealthResponse> }>) => {
        const names = [...this.#services];
        reply(null, { statuses: Object.fromEntries(names.map((name) => [name, { status: this.#statusOf(name) }])) });
      },
    };
  }

  #watch(call: WatchCall): void {
    if (this.#watchers.size >= mostWatchers) {
      call.emit('error', { code: status.RESOURCE_EXHAUSTED, details: `more than ${mostWatchers} watches` });
      return;
    }
    this.#watchers.add(call);
    const forget = (): void => {
      this.#watchers.delete(call);
    };
    call.on('cancelled', forget);
    call.on('close', forget);
    call.write({ status: this.#statusOf(call.request.service) });
  }

  #statusOf(service: string): HealthStatus {
    if (!this.#services.has(service)) return 'SERVICE_UNKNOWN';
    return this.#isServing ? 'SERVING' : 'NOT_SERVING';
  }
}

interface ListResponse {
  readonly statuses: Readonly<Record<string, HealthResponse>>;
}

/** The numbers of the protocol. */
const statusNumbers: Readonly<Record<HealthStatus, number>> = { SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 };

/** `grpc.health.v1.Health`, with its messages read and written by hand. */
export const healthService: ServiceDefinition = {
  check: method('Check', false, readRequest, writeResponse),
  watch: method('Watch', true, readRequest, writeResponse),
  list: method('List', false, () => ({}), writeListResponse),
};

export function loadHealthProto(): PackageDefinition {
  const { loadSync } = loadPackage<typeof import('@grpc/proto-loader')>('@grpc/proto-loader');
  return loadSync(loadPackage<typeof import('grpc-health-check')>('grpc-health-check').protoPath);
}

function method<Request, Response>(
  name: string,
  responseStream: boolean,
  requestDeserialize: (bytes: Buffer) => Request,
  responseSerialize: (response: Response) => Buffer,
): MethodDefinition<Request, Response> {
  const ofClients = (): never => {
    throw new Error('this service is not called from here');
  };
  const path = `/grpc.health.v1.Health/${name}`;
  const own = { requestDeserialize, responseSerialize };
  return {
    path,
    requestStream: false,
    responseStream,
    requestSerialize: ofClients,
    responseDeserialize: ofClients,
    ...own,
  };
}

function readRequest(bytes: Buffer): HealthRequest {
  const reader = new ProtobufReader(bytes, undefined);
  let service = '';
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x0a) service = reader.text();
    else reader.skip();
  }
  return { service };
}

function writeResponse({ status }: HealthResponse): Buffer {
  const writer = new ProtobufWriter(8);
  writer.int32(1, statusNumbers[status]);
  return Buffer.from(writer.finish());
}

/** A map is a list of messages with key and value. */
function writeListResponse({ statuses }: ListResponse): Buffer {
  const writer = new ProtobufWriter(256);
  for (const [service, response] of Object.entries(statuses)) {
    const mark = writer.length;
    writer.explicitBytes(2, writeResponse(response));
    writer.text(1, service);
    writer.message(1, mark);
  }
  return Buffer.from(writer.finish());
}
