import type { CallHandler, Method, ServerCall } from '../grpc/server-call.ts';
import { status } from '../grpc/status.ts';
import { unaryMethod } from '../grpc/unary.ts';
import { InvalidMessage } from '../model/invalid-message.ts';
import { ProtobufReader } from '../otlp/protobuf/protobuf-reader.ts';
import { ProtobufWriter } from '../otlp/protobuf/protobuf-writer.ts';

export const healthServiceName = 'grpc.health.v1.Health';

/** A client that watches more than this in parallel has lost count. */
const mostWatchers = 256;

/** Numbers of the protocol's `ServingStatus`. */
const serving = 1;
const notServing = 2;
const serviceUnknown = 3;

/**
 * The methods of `grpc.health.v1.Health` (https://github.com/grpc/grpc/blob/master/doc/health-checking.md), with their messages
 * read and written by hand. A stop ends watches.
 */
export class GrpcHealth {
  /** Names of the services that have a status; the empty name is the whole server. */
  readonly #services = new Set(['']);
  /** Open watches, and the service of each. */
  readonly #watchers = new Map<ServerCall, string>();
  #isServing = false;

  addService(name: string): void {
    this.#services.add(name);
  }

  setServing(isServing: boolean): void {
    if (isServing === this.#isServing) return;
    this.#isServing = isServing;
    for (const [call, service] of this.#watchers) call.send(encodeResponse(this.#statusOf(service)));
  }

  /** Ends every watch, so that their connections can close. */
  endWatches(): void {
    for (const call of this.#watchers.keys()) call.end({ code: status.UNAVAILABLE, details: 'the service stops' });
    this.#watchers.clear();
  }

  methods(): Readonly<Record<string, Method>> {
    return {
      Check: unaryMethod((message) => {
        const service = readService(message);
        if (service !== undefined && this.#services.has(service)) return encodeResponse(this.#statusOf(service));
        const details = `no service of this name is served: ${service?.slice(0, 200) ?? 'unreadable'}`;
        return { code: status.NOT_FOUND, details };
      }),
      List: unaryMethod(() => this.#list()),
      Watch: (call) => this.#watch(call),
    };
  }

  #watch(call: ServerCall): CallHandler {
    return {
      onMessage: (message) => {
        if (this.#watchers.has(call)) return;
        if (this.#watchers.size >= mostWatchers) {
          return call.end({ code: status.RESOURCE_EXHAUSTED, details: `more than ${mostWatchers} watches` });
        }
        const service = readService(message) ?? '';
        this.#watchers.set(call, service);
        call.send(encodeResponse(this.#statusOf(service)));
      },
      onHalfClose: () => {
        if (this.#watchers.has(call)) return;
        call.end({ code: status.UNIMPLEMENTED, details: 'a watch has one message, and here is none' });
      },
      onCancel: () => void this.#watchers.delete(call),
    };
  }

  #statusOf(service: string): number {
    if (!this.#services.has(service)) return serviceUnknown;
    return this.#isServing ? serving : notServing;
  }

  /** A map is a list of messages with key and value. */
  #list(): Uint8Array {
    const writer = new ProtobufWriter(256);
    for (const service of this.#services) {
      const mark = writer.length;
      writer.explicitBytes(2, encodeResponse(this.#statusOf(service)));
      writer.text(1, service);
      writer.message(1, mark);
    }
    return writer.finish();
  }
}

/** `undefined` for bytes that are no request. */
function readService(message: Buffer): string | undefined {
  const reader = new ProtobufReader(message, undefined);
  let service = '';
  try {
    for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
      if (tag === 0x0a) service = reader.text();
      else reader.skip();
    }
  } catch (error) {
    if (error instanceof InvalidMessage) return undefined;
    throw error;
  }
  return service;
}

function encodeResponse(servingStatus: number): Uint8Array {
  const writer = new ProtobufWriter(8);
  writer.int32(1, servingStatus);
  return writer.finish();
}
