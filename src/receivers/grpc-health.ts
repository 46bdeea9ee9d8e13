import type { ServerUnaryCall, ServerWritableStream, sendUnaryData, UntypedServiceImplementation } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';

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
 * hold up every stop until the deadline; only its definition of the service is used.
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
