import type { MethodDefinition, Server, ServerDuplexStream, ServiceDefinition } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { loadPackage } from '../support/lazy-package.ts';

type ReflectionCall = ServerDuplexStream<unknown, unknown>;
type ReflectionMethod = MethodDefinition<unknown, unknown> & { readonly answer: (call: ReflectionCall) => void };

/** A tool that asks has one; each can hold an answer of some 20 KB that nobody reads. */
const mostCalls = 256;

const versions = ['v1', 'v1alpha'] as const;

/**
 * Server reflection by `@grpc/reflection`, which answers whatever comes, read or not, and never ends a call: its streams
 * are read one question at a time here, so that a client that does not read cannot fill the memory, and a stop ends them.
 * The package, and the descriptions of the services, are loaded at the first call: most servers are never asked.
 */
export class GrpcReflection {
  readonly #loadProto: () => PackageDefinition;
  readonly #calls = new Set<ReflectionCall>();
  #methods: ReadonlyMap<string, ReflectionMethod> | undefined;

  constructor(loadProto: () => PackageDefinition) {
    this.#loadProto = loadProto;
  }

  addTo(server: Pick<Server, 'addService'>): void {
    for (const version of versions) {
      const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
      const definition: ServiceDefinition = {
        ServerReflectionInfo: {
          path,
          requestStream: true,
          responseStream: true,
          requestDeserialize: (bytes) => this.#method(path).requestDeserialize(bytes),
          responseSerialize: (value) => this.#method(path).responseSerialize(value),
          requestSerialize: (value) => this.#method(path).requestSerialize(value),
          responseDeserialize: (bytes) => this.#method(path).responseDeserialize(bytes),
        },
      };
      const handler = (call: ReflectionCall): void => this.#answer(call, this.#method(path));
      server.addService(definition, { ServerReflectionInfo: handler });
    }
  }

  /** Ends every call, so that their connections can close. */
  endCalls(): void {
    for (const call of this.#calls) call.emit('error', { code: status.UNAVAILABLE, details: 'the service stops' });
    this.#calls.clear();
  }

  #answer(call: ReflectionCall, { answer }: ReflectionMethod): void {
    if (this.#calls.size >= mostCalls) {
      call.emit('error', { code: status.RESOURCE_EXHAUSTED, details: `more than ${mostCalls} calls of reflection` });
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
  }

  #method(path: string): ReflectionMethod {
    this.#methods ??= this.#loadMethods();
    return this.#methods.get(path)!;
  }

  /** The methods that the package would add to a server, by path. */
  #loadMethods(): ReadonlyMap<string, ReflectionMethod> {
    const { ReflectionService } = loadPackage<typeof import('@grpc/reflection')>('@grpc/reflection');
    const methods = new Map<string, ReflectionMethod>();
    const addService: Server['addService'] = ({ ServerReflectionInfo: method }, { ServerReflectionInfo: answer }) => {
      methods.set(method!.path, { ...method!, answer: answer as ReflectionMethod['answer'] });
    };
    new ReflectionService(this.#loadProto()).addToServer({ addService });
    return methods;
  }
}
