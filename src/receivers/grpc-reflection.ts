import type { Server, ServerDuplexStream, UntypedServiceImplementation } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';

type ReflectionCall = ServerDuplexStream<unknown, unknown>;

/** A tool that asks has one; each can hold an answer of some 20 KB that nobody reads. */
const mostCalls = 256;

/**
 * Server reflection by `@grpc/reflection`, which answers whatever comes, read or not, and never ends a call: its streams
 * are read one question at a time here, so that a client that does not read cannot fill the memory, and a stop ends them.
 */
export class GrpcReflection {
  readonly #service: ReflectionService;
  readonly #calls = new Set<ReflectionCall>();

  constructor(packages: PackageDefinition) {
    this.#service = new ReflectionService(packages);
  }

  addTo(server: Pick<Server, 'addService'>): void {
    this.#service.addToServer({
      addService: (definition, handlers) => server.addService(definition, this.#pace(handlers)),
    });
  }

  /** Ends every call, so that their connections can close. */
  endCalls(): void {
    for (const call of this.#calls) call.emit('error', { code: status.UNAVAILABLE, details: 'the service stops' });
    this.#calls.clear();
  }

  #pace(handlers: UntypedServiceImplementation): UntypedServiceImplementation {
    const answer = handlers.ServerReflectionInfo as (call: ReflectionCall) => void;
    return {
      ServerReflectionInfo: (call: ReflectionCall) => {
        if (this.#calls.size >= mostCalls) {
          call.emit('error', {
            code: status.RESOURCE_EXHAUSTED,
            details: `more than ${mostCalls} calls of reflection`,
          });
          return;
        }
        this.#calls.add(call);
        const forget = (): void => void this.#calls.delete(call);
        call.on('cancelled', forget).on('close', forget);
        const write = call.write.bind(call) as (reply: unknown, done: () => void) => boolean;
        call.write = (reply: unknown): boolean => {
          call.pause();
          return write(reply, () => call.resume());
        };
        answer(call);
      },
    };
  }
}
