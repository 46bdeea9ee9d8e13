import type { CallHandler, Method, ServerCall } from '../grpc/server-call.ts';
import { status } from '../grpc/status.ts';
import { InvalidMessage } from '../model/invalid-message.ts';
import { ProtobufReader } from '../otlp/protobuf/protobuf-reader.ts';
import { ProtobufWriter } from '../otlp/protobuf/protobuf-writer.ts';
import { readProgramFile } from '../support/program-files.ts';

/** Names of the service; both versions have the same messages. */
export const reflectionServiceNames = [
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
] as const;

/** A tool that asks has one; each can hold an answer of some 20 KB that nobody reads. */
const mostCalls = 256;

/** A .proto file as its descriptor (https://github.com/protocolbuffers/protobuf/blob/main/src/google/protobuf/descriptor.proto). */
interface ProtoFile {
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly imports: readonly string[];
  /** Full names of messages, enums, services and methods. */
  readonly symbols: readonly string[];
}

interface Descriptors {
  readonly byName: ReadonlyMap<string, ProtoFile>;
  readonly bySymbol: ReadonlyMap<string, ProtoFile>;
}

/**
 * Server reflection (https://github.com/grpc/grpc/blob/master/doc/server-reflection.md). One question is read at a time, so that a
 * client that does not read the answers cannot fill the memory, and a stop ends the calls. Descriptors are read from
 * `proto/descriptors.binpb` at the first question: most servers are never asked.
 */
export class GrpcReflection {
  readonly #services: readonly string[];
  readonly #calls = new Set<ServerCall>();
  #descriptors: Descriptors | undefined;

  constructor(services: readonly string[]) {
    this.#services = services;
  }

  methods(): Readonly<Record<string, Method>> {
    return { ServerReflectionInfo: (call) => this.#answer(call) };
  }

  /** Ends every call, so that their connections can close. */
  endCalls(): void {
    for (const call of this.#calls) call.end({ code: status.UNAVAILABLE, details: 'the service stops' });
    this.#calls.clear();
  }

  #answer(call: ServerCall): CallHandler {
    if (this.#calls.size >= mostCalls) {
      call.end({ code: status.RESOURCE_EXHAUSTED, details: `more than ${mostCalls} calls of reflection` });
    } else this.#calls.add(call);
    return {
      onMessage: (question) => {
        call.pause();
        const answer = this.#respond(question);
        if (answer !== undefined) {
          call.send(answer, () => call.resume());
          return;
        }
        this.#calls.delete(call);
        call.end({ code: status.INVALID_ARGUMENT, details: 'the question is no ServerReflectionRequest' });
      },
      onHalfClose: () => {
        this.#calls.delete(call);
        call.end();
      },
      onCancel: () => void this.#calls.delete(call),
    };
  }

  /** `undefined` for bytes that are no question. */
  #respond(question: Uint8Array): Uint8Array | undefined {
    try {
      return this.#encodeResponse(question);
    } catch (error) {
      if (error instanceof InvalidMessage) return undefined;
      throw error;
    }
  }

  /** ServerReflectionResponse { valid_host = 1, original_request = 2, … }, written last first. */
  #encodeResponse(question: Uint8Array): Uint8Array {
    const reader = new ProtobufReader(question, undefined);
    const writer = new ProtobufWriter(1_024);
    let host = '';
    for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
      if (tag === 0x0a) {
        host = reader.text();
        continue;
      }
      writer.rewind(0);
      if (tag === 0x1a) this.#writeFile(writer, this.#known().byName.get(reader.text()));
      else if (tag === 0x22) this.#writeFile(writer, this.#fileOf(reader.text()));
      else if (tag === 0x32) this.#writeExtensions(writer, reader.text());
      else {
        reader.skip();
        if (tag === 0x3a) this.#writeServices(writer);
        else writeNotFound(writer, 'there are no extensions');
      }
    }
    writer.explicitBytes(2, question);
    writer.text(1, host);
    return writer.finish();
  }

  /** FileDescriptorResponse { file_descriptor_proto = 1 }: the file and all that it imports. */
  #writeFile(writer: ProtobufWriter, file: ProtoFile | undefined): void {
    if (file === undefined) {
      writeNotFound(writer, 'no file or symbol of this name is known');
      return;
    }
    const files = new Set([file]);
    for (const { imports } of files) {
      for (const name of imports) {
        const imported = this.#known().byName.get(name);
        if (imported !== undefined) files.add(imported);
      }
    }
    const mark = writer.length;
    for (const { bytes } of [...files].reverse()) writer.explicitBytes(1, bytes);
    writer.message(4, mark);
  }

  /** ExtensionNumberResponse { base_type_name = 1 }. */
  #writeExtensions(writer: ProtobufWriter, type: string): void {
    if (!this.#known().bySymbol.has(type)) {
      writeNotFound(writer, 'no type of this name is known');
      return;
    }
    const mark = writer.length;
    writer.text(1, type);
    writer.message(5, mark);
  }

  /** ListServiceResponse { service = 1: ServiceResponse { name = 1 } }. */
  #writeServices(writer: ProtobufWriter): void {
    const mark = writer.length;
    for (const name of [...this.#services].reverse()) {
      const start = writer.length;
      writer.text(1, name);
      writer.message(1, start);
    }
    writer.message(6, mark);
  }

  /** The file of a symbol, or of the message or enum that a symbol is in. */
  #fileOf(symbol: string): ProtoFile | undefined {
    const { bySymbol } = this.#known();
    return bySymbol.get(symbol) ?? bySymbol.get(symbol.replace(/\.[^.]*$/, ''));
  }

  #known(): Descriptors {
    this.#descriptors ??= readDescriptors();
    return this.#descriptors;
  }
}

/** ErrorResponse { error_code = 1, error_message = 2 }. */
function writeNotFound(writer: ProtobufWriter, message: string): void {
  const mark = writer.length;
  writer.text(2, message);
  writer.int32(1, status.NOT_FOUND);
  writer.message(7, mark);
}

function readDescriptors(): Descriptors {
  const bytes = readProgramFile('../proto/descriptors.binpb');
  const reader = new ProtobufReader(bytes, undefined);
  const files: ProtoFile[] = [];
  while (reader.nextTag() !== 0) files.push(readFile(reader.bytes()));
  return {
    byName: new Map(files.map((file) => [file.name, file])),
    bySymbol: new Map(files.flatMap((file) => file.symbols.map((symbol) => [symbol, file]))),
  };
}

/** FileDescriptorProto { name = 1, package = 2, dependency = 3, message_type = 4, enum_type = 5, service = 6 }. */
function readFile(bytes: Uint8Array): ProtoFile {
  const reader = new ProtobufReader(bytes, undefined);
  let name = '';
  let scope = '';
  const imports: string[] = [];
  const names: string[] = [];
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x0a) name = reader.text();
    else if (tag === 0x12) scope = reader.text();
    else if (tag === 0x1a) imports.push(reader.text());
    else if (tag === 0x22) names.push(...namesIn(reader.bytes(), [0x1a, 0x22]));
    else if (tag === 0x2a) names.push(...namesIn(reader.bytes(), []));
    else if (tag === 0x32) names.push(...namesIn(reader.bytes(), [0x12]));
    else reader.skip();
  }
  return { bytes, name, imports, symbols: names.map((each) => (scope === '' ? each : `${scope}.${each}`)) };
}

/** The name of a message, enum or service, and the names within its fields `nested`: types of a message, methods of a service. */
function namesIn(bytes: Uint8Array, nested: readonly number[]): string[] {
  const reader = new ProtobufReader(bytes, undefined);
  let name = '';
  const inner: string[] = [];
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x0a) name = reader.text();
    else if (nested.includes(tag)) inner.push(...namesIn(reader.bytes(), tag === 0x1a ? nested : []));
    else reader.skip();
  }
  return [name, ...inner.map((each) => `${name}.${each}`)];
}
